"""The back ends behind small protocols: real servers, and memory with latencies that yield."""
