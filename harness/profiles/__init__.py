"""Profiles: where time and memory went, as stacks with weights; captured from outside, stored as text."""
