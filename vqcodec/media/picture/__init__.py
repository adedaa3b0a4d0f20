"""Pictures of a media file: packets, rates, times, colour."""
