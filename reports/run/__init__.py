"""Report of one or more runs."""
