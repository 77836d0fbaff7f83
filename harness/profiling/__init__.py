"""The profile runs of a scenario: processes of their own on the plan of the timing run."""
