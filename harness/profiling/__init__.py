"""Make the profile runs of a scenario, in separate processes with the plan of the timing run."""
