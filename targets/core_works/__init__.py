"""What the core is asked to do besides plain requests, each a set of operations of its own: `work=…` of the target."""
