"""What the commands carry out: each module does the work of a command, without parsing and without showing."""
