"""Where the face is: landmarks, the tracked face, its square, cuts, and which frame becomes the portrait."""
