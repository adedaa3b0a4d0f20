"""The command line of vqcodec: parse, call vqcodec, print."""
