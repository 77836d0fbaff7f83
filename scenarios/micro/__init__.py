"""Micro-benchmarks. Unlike the load scenarios they may import the measured code."""
