"""A recording and a new sound to a .vqt stream: pipeline.py reads top to bottom, the rest are its parts."""
