"""The table of calls: how its rows are written, read in pieces, dealt out and put together, and what they add up to."""
