"""The measured targets: the asset core, the servers behind it, and targets of known truth."""
