"""`vqcodec web`: the page that plays streams without Python, with the networks that it runs as ONNX files."""
