"""Capture, store and compare profiles: time and memory as stacks with weights, stored as text."""
