"""Who is calling and what they may do: JWT verification, the key set, and the table of roles."""
