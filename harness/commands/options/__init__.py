"""Options of the command line that commands share, and their values."""
