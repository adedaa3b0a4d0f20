"""The laboratory: what reproduces the paper's tables, measures this project's bars and writes its pages."""
