"""Calibrate the gate: measure its error rates on this machine with known changes."""
