"""The charts of runs, as data: which there are and what each shows."""
