"""Find in a project what the harness can measure, without importing it, and write the settings to start from."""
