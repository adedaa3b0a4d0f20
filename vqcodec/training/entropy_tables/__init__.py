"""The normative entropy tables, fitted to tokens of training clips."""
