"""What the commands carry out, without options and without showing: nothing here imports a command or a report."""
