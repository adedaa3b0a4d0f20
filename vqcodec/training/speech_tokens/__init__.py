"""Trains the speech tokenizer."""
