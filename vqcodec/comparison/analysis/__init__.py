"""From measured points to BD-rates, verdicts and words."""
