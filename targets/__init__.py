"""What is measured: the asset core, the servers behind it, and targets of known truth."""
