"""What pages need of a comparison: its summary, tables and curves, and its own page made again."""
