"""Cache whole assets by key: in process (L1), in Redis (L2), and from the databases (L3)."""
