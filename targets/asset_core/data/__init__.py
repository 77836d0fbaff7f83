"""Generated inventories: the same seed gives the same data, bit for bit."""
