"""Turn a run directory into numbers and judge their validity, also while the run is still being written."""
