"""A .vqt stream to pictures and sound: pipeline.py reads top to bottom, the rest are its parts."""
