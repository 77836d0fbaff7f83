"""The table of calls: write its rows, read it in chunks, split it among workers, merge it, and sum it up."""
