"""Micro-benchmarks: a pytest-benchmark suite in a process of its own. The only place that knows its JSON."""
