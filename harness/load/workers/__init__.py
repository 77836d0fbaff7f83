"""Several workers of one run: Locust's master, its workers and their private connection."""
