"""Output of commands to a terminal: documents, messages and progress."""
