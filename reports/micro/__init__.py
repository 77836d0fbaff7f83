"""What a person reads of runs of micro-benchmarks."""
