"""Two profiles against each other: which frames changed, which did not, which cannot be told; and where time went.

Pure functions over folded profiles. `frames` compares functions by operation, `counts` any table of counts, and
`attribution` spreads a change of latency over the functions that made it.
"""
