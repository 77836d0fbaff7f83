"""Work in the background: bounded pools, what they do to the data, and jobs that callers submit and ask after."""
