"""What encode, decode and dub share: opening streams, sound on its way, order in the file."""
