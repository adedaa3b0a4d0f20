"""Trains what makes pictures: the motion space's image network and the renderer."""
