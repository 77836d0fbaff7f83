"""Stacks with weights: pure data, their frames and the marker of an operation on them."""
