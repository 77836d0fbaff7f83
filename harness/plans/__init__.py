"""Plan the calls of a run before it starts: stages, seeds and traces to intended start times."""
