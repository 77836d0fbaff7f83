"""What is done to a target: load scenarios and micro-benchmarks, as data."""
