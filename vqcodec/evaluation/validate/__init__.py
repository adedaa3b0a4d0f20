"""`vqcodec validate`: the codec on a folder of clips, file to file."""
