"""vqcodec: talking-head video at the rate of a modem."""
