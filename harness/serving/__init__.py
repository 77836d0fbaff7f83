"""Servers of the project that the harness starts: on a free port, waited for, and ended with all of their processes."""
