"""The index of a folder of runs and sessions."""
