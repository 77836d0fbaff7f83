"""The work of the commands, without options and output: nothing here imports a command or a report."""
