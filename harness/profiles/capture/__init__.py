"""Convert the output of profilers to stacks: py-spy, memray and the waits of greenlets."""
