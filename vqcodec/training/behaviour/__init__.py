"""The behaviour model and the mean head, fitted."""
