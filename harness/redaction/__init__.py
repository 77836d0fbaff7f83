"""Make texts and documents safe to store and to show: without secrets, and without control characters."""
