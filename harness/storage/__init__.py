"""Read files and folders of unknown origin safely, and mark the folders of the harness."""
