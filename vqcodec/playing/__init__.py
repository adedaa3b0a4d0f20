"""A player in the browser for one stream: served on the loopback address, rendered while it plays."""
