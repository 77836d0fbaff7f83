"""Load scenarios and micro-benchmarks, as data."""
