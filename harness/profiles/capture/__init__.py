"""From a profiler to stacks: py-spy, memray and the waits of greenlets."""
