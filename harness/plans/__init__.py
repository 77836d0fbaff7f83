"""What is to be called and when, before anything runs: stages, seeds and traces to intended start times."""
