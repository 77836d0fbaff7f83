"""Exact metrics: counts that need no statistics, because equal requests do equal work.

`sides` counts both sides of a comparison (`counting` the costs that a target counts, `tracing` its allocations,
`suite` the allocations of a pytest suite's micro-benchmarks) in fresh processes, over fixed lists of requests by one
user, three times each. `repetition` makes the receipt's records of them, `metrics` names them, and `suspects` finds
the functions that changed most in a regressed benchmark.
"""
