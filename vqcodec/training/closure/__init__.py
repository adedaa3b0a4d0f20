"""Training of what shuts lips (vqcodec.speech.closure)."""
