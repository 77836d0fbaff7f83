"""Charts of runs as data: their selection and content."""
