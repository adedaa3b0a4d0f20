"""Ordinary video codecs at their best: settings, sizes, containers."""
