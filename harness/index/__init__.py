"""What the folders of runs and sessions below a parent came to: verdict or validity, and key figures."""
