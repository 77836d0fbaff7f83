"""Report of imported results."""
