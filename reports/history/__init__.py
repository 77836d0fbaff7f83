"""The history of a project: the course of each benchmark since the reference."""
