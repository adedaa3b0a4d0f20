"""The weights that ship, their cards, and how they are found and checked."""
