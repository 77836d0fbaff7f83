"""One file per command; the only importers of scenarios, targets and reports."""
