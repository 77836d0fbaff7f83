"""Reports of runs of micro-benchmarks."""
