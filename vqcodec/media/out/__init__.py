"""Files that are written: video, its tracks, and outputs that appear whole or not at all."""
