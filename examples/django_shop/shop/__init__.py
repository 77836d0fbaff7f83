"""A shop in Django: products in SQLite, pages from a template."""
