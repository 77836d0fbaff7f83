"""A session: two subjects measured side by side, in blocks and in random order, into a receipt.

Nothing here judges. Whoever judges reads the receipt; what the session must know while it runs (which benchmarks
need more blocks, which need confirmation) it asks through one function that it is given.
"""
