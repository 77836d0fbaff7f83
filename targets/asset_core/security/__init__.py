"""Authenticate and authorise callers: JWT verification, the key set, and the table of roles."""
