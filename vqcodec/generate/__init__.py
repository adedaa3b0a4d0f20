"""Speech tokens and controls to motion: the coarse-to-fine BERT."""
