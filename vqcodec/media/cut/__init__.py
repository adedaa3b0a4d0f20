"""Whether a file ends before its own end: libav gives what is there, without a word."""
