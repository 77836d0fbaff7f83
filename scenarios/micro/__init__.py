"""Micro-benchmarks. Unlike the load scenarios they may import what they measure."""
