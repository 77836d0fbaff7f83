"""Run micro-benchmarks: a pytest-benchmark suite in a separate process. The only reader of its JSON."""
