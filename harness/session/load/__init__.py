"""Load on both sides in turns: segments of one target each, in blocks, as runs of the load engine."""
