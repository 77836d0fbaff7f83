"""Render reports for people: plain data in, HTML, text and figures out. Reports decide nothing."""
