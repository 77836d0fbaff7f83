"""Folder on the import path of the Python processes that a measured process starts."""
