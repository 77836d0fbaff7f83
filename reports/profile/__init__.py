"""Profile-only runs: one side, or two whose functions were told apart."""
