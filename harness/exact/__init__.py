"""Exact metrics: what needs no statistics, because equal requests do equal work.

`sides` counts both sides of a comparison (`counting` what a target counts of itself, `tracing` what it allocates,
`suite` what the micro-benchmarks of a pytest suite allocate) in fresh processes, over fixed lists of requests by one
user, three times each. `repetition` makes the receipt's records of them, `metrics` names them, and `suspects` finds
the functions that changed most in a benchmark that regressed.
"""
