"""Rules of a project: its policy, its absolute limits (SLO), and its validity thresholds."""
