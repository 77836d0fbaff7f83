"""Explain a change by functions: profile both sides in turn."""
