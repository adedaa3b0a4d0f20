"""What a head does besides speaking: sway, gaze, blinks, lips at rest and lips as wide as real ones."""
