"""Flame graphs of one profile or of two: what they show, and the fragment that shows it."""
