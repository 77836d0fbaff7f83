"""The run directory: its documents, how they are made, written and read."""
