"""Training of what takes a portrait's coding losses back (render.restoration)."""
