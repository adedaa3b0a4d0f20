"""A portrait and motion features to pictures: the renderer and the arithmetic of its warps."""
