"""The results of the folders of runs and sessions below a parent: verdict or validity, and key figures."""
