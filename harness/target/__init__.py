"""Load a target by its SPEC, prepare its events, call and stamp it once, and refuse it if it cannot be measured."""
