"""What is left of a stream when a part of it is lost."""
