"""`process_assets`: many assets to short results, in batches, in order, in bounded memory."""

import collections
import dataclasses
import functools
import itertools
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from targets.asset_core.errors import CoreError, DeadlineError, StoreError
from targets.asset_core.executor import AtOnce, Pending
from targets.asset_core.gc_policy import GcPolicy
from targets.asset_core.logs import log_error
from targets.asset_core.model import Asset, Risk
from targets.asset_core.pools import Slab
from targets.asset_core.risk import risk_score
from targets.asset_core.scope import Scope
from targets.asset_core.stores.names import DYNAMODB
from targets.asset_core.stores.protocols import Stores
from targets.asset_core.workspace import Outcome, Problem, Processed, Workspace

LOG = logging.getLogger("asset_core.processing")

BATCH_SIZE = 10
WORKERS = 5
WINDOW = 2 * WORKERS
"""Largest number of batches begun and not yet returned; all of them are kept while the first is the slowest."""


NOT_FOUND = Problem("not_found")
TIMEOUT = Problem("timeout")
INTERNAL = Problem("internal")

Found = tuple[Asset | None, list[Risk]]


@dataclasses.dataclass(frozen=True, slots=True)
class Processor:
    """Read assets and risks without the cache. `executor` is separate: 5 workers over all batches of all calls."""

    stores: Stores
    executor: AtOnce
    wall: Callable[[], float]
    batched: bool
    workspace: Workspace
    policy: GcPolicy

    def process(self, tenant: str, asset_ids: Iterable[str], scope: Scope) -> Iterator[Outcome]:
        """Yield one outcome for each id, in order. Failures of stores and workers become outcomes and are not raised.

        At most ten batches are begun ahead of the one that is handed on, however many ids there are. Results may be
        returned with `release` once they are no longer needed.
        """
        with self.policy.tracker.watch("process_assets"):
            yield from self._process(tenant, asset_ids, scope)

    def release(self, outcomes: Iterable[Outcome]) -> None:
        """Make results available for reuse; raises ValueError for one that was released before."""
        for outcome in outcomes:
            if outcome.result is not None:
                self.workspace.assets.give(outcome.result)

    def _process(self, tenant: str, asset_ids: Iterable[str], scope: Scope) -> Iterator[Outcome]:
        window: collections.deque[tuple[Sequence[str], Pending]] = collections.deque()
        try:
            for batch in _batches(asset_ids):
                work = functools.partial(self._work, tenant, batch, scope)
                window.append((batch, self.executor.submit(work)))
                if len(window) >= WINDOW:
                    yield from self._next(window, scope)
            while window:
                yield from self._next(window, scope)
        finally:
            self.executor.abandon(pending for _, pending in window)

    def _next(self, window: collections.deque[tuple[Sequence[str], Pending]], scope: Scope) -> list[Outcome]:
        batch, pending = window.popleft()
        self.policy.between_batches()
        try:
            error = pending.future.exception(timeout=_patience_s(scope))
        except TimeoutError:
            self.executor.abandon([pending])
            return _same(batch, TIMEOUT)
        if error is not None:
            log_error(LOG, "a batch failed in an unplanned way", error)
            return _same(batch, INTERNAL)
        outcomes: list[Outcome] = pending.future.result()
        return outcomes

    def _work(self, tenant: str, batch: Sequence[str], scope: Scope) -> list[Outcome]:
        with self.policy.tracker.watch("batch"):
            return self._work_off(tenant, batch, scope)

    def _work_off(self, tenant: str, batch: Sequence[str], scope: Scope) -> list[Outcome]:
        if not self.batched:
            return [self._one(tenant, asset_id, scope) for asset_id in batch]
        try:
            found = self._read(tenant, batch, scope)
        except CoreError as error:
            LOG.warning("a batch could not be read: %s", error)
            return _same(batch, _problem(error))
        return [self._outcome(asset_id, *found[asset_id]) for asset_id in batch]

    def _one(self, tenant: str, asset_id: str, scope: Scope) -> Outcome:
        try:
            asset = self.stores.assets.get_asset(tenant, asset_id, scope)
            risks = self.stores.graph.get_risks(tenant, asset_id, scope) if asset is not None else []
        except CoreError as error:
            LOG.warning("an asset could not be read: %s", error)
            return Outcome(asset_id, error=_problem(error))
        return self._outcome(asset_id, asset, risks)

    def _read(self, tenant: str, batch: Sequence[str], scope: Scope) -> dict[str, Found]:
        assets = self.stores.assets.get_assets(tenant, batch, scope)
        risks = self.stores.graph.get_risks_of(tenant, list(assets), scope) if assets else {}
        return {asset_id: (assets.get(asset_id), risks.get(asset_id, [])) for asset_id in batch}

    def _outcome(self, asset_id: str, asset: Asset | None, risks: list[Risk]) -> Outcome:
        if asset is None:
            return Outcome(asset_id, error=NOT_FOUND)
        with self.workspace.risks.lend() as held:
            held.fill(risks)
            return Outcome(asset_id, self._result(asset, held))

    def _result(self, asset: Asset, risks: Slab[Risk]) -> Processed:
        processed_at = datetime.fromtimestamp(self.wall(), UTC).isoformat(timespec="milliseconds")
        result = self.workspace.assets.take()
        result.id, result.name, result.type = asset.id, asset.name, asset.type
        result.risk_count, result.risk_score = risks.count, risk_score(risks.values())
        result.processed_at = processed_at.replace("+00:00", "Z")
        return result


def _patience_s(scope: Scope) -> float:
    return min(max(scope.remaining_s(), 0.0), threading.TIMEOUT_MAX)


def _batches(asset_ids: Iterable[str]) -> Iterator[Sequence[str]]:
    iterator = iter(asset_ids)
    while batch := tuple(itertools.islice(iterator, BATCH_SIZE)):
        yield batch


def _same(batch: Sequence[str], problem: Problem) -> list[Outcome]:
    return [Outcome(asset_id, error=problem) for asset_id in batch]


def _problem(error: CoreError) -> Problem:
    if isinstance(error, DeadlineError):
        return TIMEOUT
    return Problem("unavailable", error.where or DYNAMODB) if isinstance(error, StoreError) else INTERNAL
