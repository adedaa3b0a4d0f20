"""Sound and a portrait to a .vqt stream: pipeline.py reads top to bottom, the rest are its parts."""
