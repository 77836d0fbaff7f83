"""How a command speaks to a terminal: documents, messages and progress."""
