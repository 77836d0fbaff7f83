"""Record the users and runs of a plain locustfile like those of any run."""
