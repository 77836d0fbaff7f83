"""Write a caller's assets: graph first, `META` last, and remove their old state from the caches."""

import dataclasses
import logging
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from targets.asset_core.cache.levels import AssetCache
from targets.asset_core.errors import CoreError, DeadlineError
from targets.asset_core.keys import identity_of
from targets.asset_core.logs import one_line
from targets.asset_core.model import Bundle
from targets.asset_core.scope import Scope
from targets.asset_core.stores.names import DYNAMODB, NEO4J
from targets.asset_core.stores.protocols import Stores

LOG = logging.getLogger("asset_core.ingest")

INVALIDATION_S = 0.4
"""Time to invalidate caches after a write, even past the deadline, in seconds: taken from the 500 ms reserve."""

UNAVAILABLE = "unavailable"
TIMEOUT = "timeout"


class IngestFailure(msgspec.Struct, frozen=True):
    """An asset that is not or only partly written. Sending it again repairs it; `reason` is unavailable or timeout."""

    id: str
    store: str
    reason: str


class IngestReport(msgspec.Struct, frozen=True):
    """The results of a batch's assets; of those with the same id the last counts."""

    written: int
    failed: int
    failures: list[IngestFailure]


@dataclasses.dataclass(frozen=True, slots=True)
class Ingest:
    """See `write`. Without `batched` each item is a separate call."""

    stores: Stores
    cache: AssetCache
    batched: bool

    def write(self, tenant: str, bundles: Sequence[Bundle], scope: Scope) -> IngestReport:
        """Upsert assets of one tenant; risks and relationships are added, technologies replaced. Idempotent.

        A store's failure is in the report and is not raised. No write begins after the deadline.
        """
        last = {bundle.asset.id: bundle for bundle in bundles}
        try:
            failures = self._write(tenant, last, scope)
        finally:
            self.forget(tenant, list(last), scope)
        return IngestReport(len(last) - len(failures), len(failures), failures)

    def link(self, tenant: str, bundles: Sequence[Bundle], scope: Scope) -> None:
        """Add the risks and relationships of existing assets. Raises StoreError, DeadlineError."""
        try:
            self.stores.graph.upsert(bundles, scope)
        finally:
            self.forget(tenant, [bundle.asset.id for bundle in bundles], scope)

    def forget(self, tenant: str, asset_ids: Sequence[str], scope: Scope) -> None:
        """Remove written assets from the caches, even with no time left."""
        self.cache.invalidate(tenant, asset_ids, scope.at_least(INVALIDATION_S))

    def _write(self, tenant: str, bundles: dict[str, Bundle], scope: Scope) -> list[IngestFailure]:
        try:
            before = self.stores.assets.get_technology_names(tenant, list(bundles), scope)
        except CoreError as error:
            LOG.warning("nothing of a batch was written: %s", error)
            return _failures(bundles, DYNAMODB, _reason(error))
        try:
            self.stores.graph.upsert(list(bundles.values()), scope)
        except CoreError as error:
            LOG.warning("nothing of a batch was written: %s", error)
            return _failures(bundles, NEO4J, _reason(error))
        gone = _gone(tenant, before, bundles)
        report = self.stores.assets.write(list(bundles.values()), scope, batched=self.batched, gone=gone)
        failed = {identity_of(partition)[1] for partition, _ in report.unwritten}
        for why in dict.fromkeys(report.unwritten.values()):
            LOG.warning("%d assets were not written: %s", len(failed), one_line(why))
        reason = TIMEOUT if scope.remaining_s() <= 0 else UNAVAILABLE
        return _failures([asset_id for asset_id in bundles if asset_id in failed], DYNAMODB, reason)


def _gone(
    tenant: str, before: Mapping[str, Iterable[str]], bundles: Mapping[str, Bundle]
) -> list[tuple[str, str, str]]:
    return [
        (tenant, asset_id, name)
        for asset_id, names in before.items()
        for name in sorted(set(names) - {found.name for found in bundles[asset_id].technologies})
    ]


def _failures(asset_ids: Iterable[str], store: str, reason: str) -> list[IngestFailure]:
    return [IngestFailure(asset_id, store, reason) for asset_id in asset_ids]


def _reason(error: CoreError) -> str:
    return TIMEOUT if isinstance(error, DeadlineError) else UNAVAILABLE
