"""Sound of a media file: packets, clock, Opus."""
