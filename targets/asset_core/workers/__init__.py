"""Background work: bounded pools, their changes to the data, and jobs that callers submit and poll."""
