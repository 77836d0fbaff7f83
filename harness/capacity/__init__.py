"""The highest rate that keeps an SLO: where to look next, and what was found. Pure; `harness.commands` runs the probes."""
