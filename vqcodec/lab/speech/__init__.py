"""What speech tokens keep of the phones."""
