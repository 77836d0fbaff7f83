"""Measure, store, judge: the engine, independent of any particular target or scenario."""

__version__ = "0.1.0"
