"""Trains the generator of dub: speech tokens to motion."""
