"""Run one plan with several workers: Locust's master, its workers and their private connection."""
