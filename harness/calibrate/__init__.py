"""Calibration: how often the gate is wrong on this machine, found by asking it about changes that are known."""
