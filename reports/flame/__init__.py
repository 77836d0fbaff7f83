"""Flame graphs of one or two profiles: their data and their HTML fragment."""
