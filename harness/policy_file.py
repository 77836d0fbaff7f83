"""Stub."""

import hashlib

import msgspec

from harness.policy import Policy


def sha256(policy: Policy) -> str:
    """Return the digest of all that the policy says."""
    return hashlib.sha256(msgspec.json.encode(policy, order="deterministic")).hexdigest()
