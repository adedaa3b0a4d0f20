"""Making the weights: one folder by what is trained, and what was tried in README.md."""
