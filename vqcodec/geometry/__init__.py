"""What 478 points and the numbers of a motion space mean: the mesh, the basis, similarities, head pose, controls."""
