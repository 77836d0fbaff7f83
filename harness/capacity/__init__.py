"""Search the highest rate that keeps an SLO: the next probe, and the result. Pure; `harness.commands` runs the probes."""
