"""Combine the cache levels: from a key to an entry, filling the levels above."""

import functools
import random
from collections.abc import Callable, Iterable, Sequence

import msgspec

from targets.asset_core.cache import local, shared
from targets.asset_core.cache.entry import Entry
from targets.asset_core.cache.flight import SingleFlight
from targets.asset_core.cache.generations import Generations
from targets.asset_core.cache.local import LocalCache
from targets.asset_core.cache.shared import SharedCache
from targets.asset_core.clocks import Clocks
from targets.asset_core.encoding import Encode, etag_of
from targets.asset_core.keys import cache_key
from targets.asset_core.model import FullAsset
from targets.asset_core.scope import Scope
from targets.asset_core.tracing import Tracing

MISSING_TTL_S = 5.0
JITTER = 0.1

Fetch = Callable[[str, str, Scope], FullAsset | None]
"""Function from (tenant, id, scope) to the whole asset from the databases, or None if it does not exist."""

_decode_asset = msgspec.json.Decoder(FullAsset).decode


class AssetCache:
    """The cache of whole assets. A level of None is switched off."""

    def __init__(  # noqa: PLR0913 (the parts of one assembly, each named where it is made)
        self,
        *,
        fetch: Fetch,
        encode: Encode,
        clocks: Clocks,
        rng: random.Random,
        l1: LocalCache | None,
        l2: SharedCache | None,
        single_flight: SingleFlight | None,
        encoded: bool,
        tracing: Tracing,
    ) -> None:
        self._fetch = fetch
        self._encode = encode
        self._clocks = clocks
        self._rng = rng
        self._l1 = l1
        self._l2 = l2
        self._flights = single_flight
        self._encoded = encoded
        self._tracing = tracing
        self._generations = Generations()
        self._deaf = False

    def load(self, tenant: str, asset_id: str, scope: Scope) -> Entry:
        """Return the entry of an asset from the nearest level that has it; `missing` if it does not exist."""
        if self._tracing.enabled:
            with self._tracing.span("cache.load"):
                return self._load(tenant, asset_id, scope)
        return self._load(tenant, asset_id, scope)

    def invalidate(self, tenant: str, asset_ids: Sequence[str], scope: Scope) -> None:
        """Forget assets in both levels; fills that began earlier are discarded."""
        keys = [cache_key(tenant, asset_id) for asset_id in asset_ids]
        self.forget(keys)
        if self._l2 is not None and keys:
            self._l2.remove(keys, scope)

    def forget(self, keys: Iterable[str]) -> None:
        """Forget keys in this process, and discard started fills of them."""
        for key in keys:
            self._generations.advance(key)
            if self._l1 is not None:
                self._l1.remove(key)

    def settle(self, scope: Scope) -> None:
        """Make Redis forget the keys whose removal failed before."""
        if self._l2 is not None:
            self._l2.settle(scope)

    def lose_touch(self) -> None:
        """Stop filling L2: announcements of other writers are not received, so a fill might already be stale."""
        self._deaf = True

    def catch_up(self) -> None:
        """Clear the local cache, which may be stale, and use L2 again: announcements, and thus Redis, are back."""
        self.forget_all()
        self._deaf = False
        if self._l2 is not None:
            self._l2.try_again()

    def forget_all(self) -> None:
        """Forget everything in this process, and discard all started fills."""
        self._generations.advance_all()
        if self._l1 is not None:
            self._l1.clear()

    def _load(self, tenant: str, asset_id: str, scope: Scope) -> Entry:
        key = cache_key(tenant, asset_id)
        if self._l1 is not None:
            entry = self._l1.get(key)
            if entry is not None:
                scope.tally.add("cache.l1.hit")
                return entry
            scope.tally.add("cache.l1.miss")
        work = functools.partial(self._load_below, key, tenant, asset_id, scope)
        return work() if self._flights is None else self._flights.run(key, work, scope)

    def _load_below(self, key: str, tenant: str, asset_id: str, scope: Scope) -> Entry:
        generation = self._generations.of(key)
        entry, body = self._from_shared(key, scope)
        if entry is None:
            scope.tally.add("cache.l3.fetch")
            entry, body = self._from_databases(tenant, asset_id, scope)
            if self._l2 is not None:
                scope.afterwards.append(
                    functools.partial(self._fill_shared, key, entry, body, generation, scope)
                )
        if self._l1 is not None:
            self._fill_local(self._l1, key, entry, body, generation)
        return entry

    def _from_shared(self, key: str, scope: Scope) -> tuple[Entry | None, bytes | None]:
        if self._l2 is None:
            return None, None
        with self._tracing.span("redis.get"):
            record = self._l2.get(key, scope)
        # Redis expires entries by its own clock; an entry that is too old by our clock is a miss as well.
        if record is None or self._age_s(record.fetched_at_s) >= _life_s(record.body):
            scope.tally.add("cache.l2.miss")
            return None, None
        scope.tally.add("cache.l2.hit")
        return self._entry(record.fetched_at_s, record.body, None), record.body

    def _from_databases(self, tenant: str, asset_id: str, scope: Scope) -> tuple[Entry, bytes | None]:
        fetched_at_s = self._clocks.wall()
        document = self._fetch(tenant, asset_id, scope)
        body = None if document is None else self._encode(document)
        return self._entry(fetched_at_s, body, document), body

    def _entry(self, fetched_at_s: float, body: bytes | None, document: FullAsset | None) -> Entry:
        if body is None:
            return Entry(fetched_at_s)
        if self._encoded:
            return Entry(fetched_at_s, body=body, etag=etag_of(body))
        return Entry(fetched_at_s, document=document or _decode_asset(body))

    def _fill_local(
        self, l1: LocalCache, key: str, entry: Entry, body: bytes | None, generation: int
    ) -> None:
        left_s = _life_s(body) - self._age_s(entry.fetched_at_s)
        longest_s = MISSING_TTL_S if body is None else local.TTL_S
        size_bytes = Entry(0.0, body=body).size_bytes if entry.document is not None else entry.size_bytes
        if self._generations.of(key) == generation:
            l1.put(key, entry, min(self._jittered(longest_s), left_s), size_bytes)
            # An invalidation between the check and the put must win.
            if self._generations.of(key) != generation:
                l1.remove(key)

    def _fill_shared(self, key: str, entry: Entry, body: bytes | None, generation: int, scope: Scope) -> None:
        if self._l2 is None or self._deaf or scope.remaining_s() <= 0:
            return
        if self._generations.of(key) != generation:
            return
        ttl_s = self._jittered(_life_s(body)) - self._age_s(entry.fetched_at_s)
        if ttl_s > 0:
            with self._tracing.span("redis.put"):
                self._l2.put(key, entry.fetched_at_s, body, ttl_s, scope)
        if self._deaf or self._generations.of(key) != generation:
            self._l2.remove([key], scope)

    def _jittered(self, ttl_s: float) -> float:
        return ttl_s * (1.0 - JITTER * self._rng.random())

    def _age_s(self, fetched_at_s: float) -> float:
        return max(self._clocks.wall() - fetched_at_s, 0.0)


def _life_s(body: bytes | None) -> float:
    return MISSING_TTL_S if body is None else shared.TTL_S
