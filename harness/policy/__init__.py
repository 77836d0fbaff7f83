"""What a project allows: its policy, the limits of an SLO, and the thresholds of validity."""
