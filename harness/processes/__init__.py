"""The measured processes of a run: their jobs, their drivers, and the merging of their parts into one run directory."""
