"""Finished work to a person, a program and an exit code."""
