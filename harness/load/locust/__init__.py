"""Plain Locust: users and runs of a locustfile, recorded as those of any run."""
