"""A crop and its landmarks to the 48 numbers of a motion space."""
