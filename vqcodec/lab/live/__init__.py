"""A live stream over a line that loses and delays: what is shown, how late, and what it costs."""
