"""Compare two profiles: functions that changed, stayed the same or are below the detection limit; attribute changes of latency.

Pure functions over folded profiles. `frames` compares functions by operation, `counts` any table of counts, and
`attribution` spreads a change of latency over the functions that made it.
"""
