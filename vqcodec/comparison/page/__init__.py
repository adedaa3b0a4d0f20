"""What a comparison shows: curves, sheets, videos, the page, the terminal's table."""
