"""The workloads of the core besides plain requests, each with its own operations: `work=…` of the target."""
