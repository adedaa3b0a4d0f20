"""Judging: metrics, `validate`, `compare`, `benchmark`, conformance."""
