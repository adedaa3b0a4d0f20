"""What 478 points and 48 numbers mean: the mesh, the basis, similarities, head pose, controls."""
