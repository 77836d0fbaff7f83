"""Parse the options of each command and show its result: one module per command."""
