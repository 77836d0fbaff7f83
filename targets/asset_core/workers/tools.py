"""The dependencies of work: stores, the writer of assets, the feed and the clock."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from targets.asset_core.allocations import AllocationTracker
from targets.asset_core.errors import StoreError
from targets.asset_core.feed import Vulnerability
from targets.asset_core.ingest import Ingest, IngestReport
from targets.asset_core.stores.protocols import Stores
from targets.asset_core.workspace import Workspace

Feed = Mapping[str, Sequence[Vulnerability]]
"""Vulnerabilities by the case-folded name of the product."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tools:
    """Stores, writer, feed and clock; `wall` is seconds since the epoch."""

    stores: Stores
    ingest: Ingest
    feed: Callable[[], Feed]
    wall: Callable[[], float]
    workspace: Workspace
    tracker: AllocationTracker

    def now(self) -> str:
        """Return the current time as text, to the second."""
        moment = datetime.fromtimestamp(self.wall(), UTC).isoformat(timespec="seconds")
        return moment.replace("+00:00", "Z")


def by_product(entries: Sequence[Vulnerability]) -> Feed:
    """Return a feed by product, each product's entries in the order of the feed."""
    feed: dict[str, list[Vulnerability]] = {}
    for entry in entries:
        feed.setdefault(entry.product.casefold(), []).append(entry)
    return feed


def require_written(report: IngestReport) -> None:
    """Raise StoreError unless all was written; repeating the work repairs it."""
    if report.failed:
        failure = report.failures[0]
        raise StoreError(
            f"{report.failed} assets were not written", where=failure.store, remedy="Do the work again"
        )
