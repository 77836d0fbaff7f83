"""Files and folders that others may have written: one way to read them, and a mark on the folders of the harness."""
