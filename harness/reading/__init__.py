"""From a run directory to numbers, and to whether these may be used; also while the run is still being written."""
