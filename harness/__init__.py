"""Measure, store, judge: the engine, which knows no target and no scenario by name."""

__version__ = "0.1.0"
