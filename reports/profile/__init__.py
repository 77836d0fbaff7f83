"""Reports of profile-only runs: of one side, or of two with the differences of their functions."""
