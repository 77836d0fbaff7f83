"""Read the requests of a run from files: JSON Lines, HAR, OpenAPI, Lambda events. Pure functions over files."""
