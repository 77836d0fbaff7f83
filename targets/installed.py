"""Tell which packages of an optional part of the harness are missing, before anything imports them."""

import importlib.util

from harness.errors import UsageError

CORE = ("boto3", "cryptography", "neo4j", "redis")
"""Modules of the extra `asset-core`."""


def missing_of_core() -> list[str]:
    """Return the modules that the asset core and its stores need, and that are not installed."""
    return [name for name in CORE if importlib.util.find_spec(name) is None]


def require_core(what: str) -> None:
    """Raise `UsageError` if `what` cannot run because packages of the asset core are missing."""
    if missing := missing_of_core():
        raise UsageError(f"{what} needs packages that are not installed: {', '.join(missing)}", remedy=REMEDY)


REMEDY = (
    "Install them: pip install 'asset-harness[embedded]', or 'asset-harness[asset-core]' without the servers"
)
"""Remedy for missing packages."""
