"""What the measuring commands share: frames, files, sheets, conditions."""
