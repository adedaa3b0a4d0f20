"""What a program calls: a Codec whose models are loaded once, streams to look into, tokens as values."""
