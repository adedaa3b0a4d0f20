"""A crop and its landmarks to the numbers of a motion space."""
