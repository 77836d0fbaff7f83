"""Verdicts: from a receipt and a policy to one answer, with an exit code. Total, and closed on failure."""
