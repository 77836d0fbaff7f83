"""The kinds of work: the pool, the form of the data, and the function of each."""

import dataclasses
from collections.abc import Callable
from typing import Any

from targets.asset_core.errors import InvalidRequestError
from targets.asset_core.reading import Reader, Shape
from targets.asset_core.scope import Scope
from targets.asset_core.workers.correlation import CORRELATE, run_correlation
from targets.asset_core.workers.discovery import DISCOVER, check_discovery, discover
from targets.asset_core.workers.scanning import SCAN, scan
from targets.asset_core.workers.tools import Tools

ASSET_PROCESSING = "asset-processing"
RISK_CORRELATION = "risk-correlation"
SECURITY_SCANNING = "security-scanning"

POOLS = {ASSET_PROCESSING: 10, RISK_CORRELATION: 5, SECURITY_SCANNING: 3}
"""Number of workers by pool."""


def _anything(_body: Any) -> list[tuple[str, str]]:
    return []


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """`check` finds defects that a shape cannot express: (field, reason)."""

    pool: str
    shape: Shape[Any]
    run: Callable[[Tools, str, Any, Scope], Any]
    check: Callable[[Any], list[tuple[str, str]]] = _anything


KINDS: dict[str, Kind] = {
    "asset-discovery": Kind(ASSET_PROCESSING, DISCOVER, discover, check_discovery),
    "risk-correlation": Kind(RISK_CORRELATION, CORRELATE, run_correlation),
    "vulnerability-scan": Kind(SECURITY_SCANNING, SCAN, scan),
}


def read_work(kind: str, data: Any, reader: Reader) -> tuple[Kind, Any]:
    """Return the kind and its typed data; raises InvalidRequestError, which names the defects."""
    found = KINDS.get(kind)
    if found is None:
        reason = f"must be one of {', '.join(KINDS)}"
        raise InvalidRequestError("the request is not valid", [("kind", reason)])
    body = reader.convert(data, found.shape, "data")
    problems = found.check(body)
    if problems:
        raise InvalidRequestError("the request is not valid", problems[:20])
    return found, body
