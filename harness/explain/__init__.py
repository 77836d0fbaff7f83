"""Which functions are behind a change: both sides profiled in turn."""
