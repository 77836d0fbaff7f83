"""Texts and documents that are safe to store and to show: without secrets, and without control characters."""
