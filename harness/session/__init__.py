"""A session: two sides measured side by side, in blocks and in random order, into a receipt (session record).

This package measures and never judges: the judge reads the receipt. Through one injected interface (`Looks`) a running
session asks which benchmarks need more blocks and which need confirmation.
"""
