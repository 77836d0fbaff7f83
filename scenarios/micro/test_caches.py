"""The levels of the cache, each alone, and their keys."""

import time
from collections.abc import Sequence
from typing import Any

import pytest

from targets.asset_core.cache.breaker import Breaker
from targets.asset_core.cache.entry import Entry
from targets.asset_core.cache.local import LocalCache
from targets.asset_core.cache.record import Record
from targets.asset_core.cache.shared import SharedCache
from targets.asset_core.keys import cache_key
from targets.asset_core.scope import Scope
from targets.asset_core.stores.memory import MemoryStores

TTL_S = 3600.0
BODY = b'{"body":"' + b"x" * 4000 + b'"}'
SHARED = 20

Identities = list[tuple[str, str]]


@pytest.fixture
def keys(identities: Identities) -> list[str]:
    """Return 100 keys, some of them equal."""
    return [cache_key(*identity) for identity in identities]


def test_l1_hits(benchmark: Any, keys: list[str]) -> None:
    """100 hits in the cache of this process."""
    cache = LocalCache(time.monotonic)
    _put_all(cache, keys)
    benchmark.extra_info["per_call"] = len(keys)
    assert benchmark(_get_all, cache, keys) == len(keys)


def test_l1_evictions(benchmark: Any, keys: list[str]) -> None:
    """100 entries into a cache that holds 10."""
    cache = LocalCache(time.monotonic, entry_limit=10)
    benchmark.extra_info["per_call"] = len(keys)
    benchmark(_put_all, cache, keys)
    assert cache.view().entries == 10
    assert cache.view().evictions >= len(set(keys)) - 10


def test_l2_hits(benchmark: Any, keys: list[str], stores: MemoryStores, scope: Scope) -> None:
    """20 hits in the shared cache: record, digest, breaker; its store answers at once."""
    cache = SharedCache(stores.cache, Breaker(time.monotonic))
    for key in keys[:SHARED]:
        cache.put(key, 0.0, BODY, TTL_S, scope)
    benchmark.extra_info["per_call"] = SHARED
    record = benchmark(_load_all, cache, keys[:SHARED], scope)
    assert record is not None
    assert record.body == BODY


def test_l2_fills(benchmark: Any, keys: list[str], stores: MemoryStores, scope: Scope) -> None:
    """20 fills of the shared cache; its store answers at once."""
    cache = SharedCache(stores.cache, Breaker(time.monotonic))
    benchmark.extra_info["per_call"] = SHARED
    benchmark(_fill_all, cache, keys[:SHARED], scope)
    record = cache.get(keys[0], scope)
    assert record is not None
    assert record.body == BODY


def test_cache_keys(benchmark: Any, identities: Identities) -> None:
    """100 keys with their parts escaped."""
    benchmark.extra_info["per_call"] = len(identities)
    keys = benchmark(_make_keys, identities)
    assert all(key.count(":") == 3 for key in keys)


def _put_all(cache: LocalCache, keys: Sequence[str]) -> None:
    for key in keys:
        entry = Entry(0.0, body=BODY, etag='W/"tag"')
        cache.put(key, entry, TTL_S, entry.size_bytes)


def _get_all(cache: LocalCache, keys: Sequence[str]) -> int:
    return sum(cache.get(key) is not None for key in keys)


def _fill_all(cache: SharedCache, keys: Sequence[str], scope: Scope) -> None:
    for key in keys:
        cache.put(key, 0.0, BODY, TTL_S, scope)


def _load_all(cache: SharedCache, keys: Sequence[str], scope: Scope) -> Record | None:
    record = None
    for key in keys:
        record = cache.get(key, scope)
    return record


def _make_keys(identities: Sequence[tuple[str, str]]) -> list[str]:
    return [cache_key(tenant, asset_id) for tenant, asset_id in identities]
