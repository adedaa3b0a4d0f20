"""Faces looked at closely: another's portrait, and 1:1 crops of eyes, mouth and hair."""
