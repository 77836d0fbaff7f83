"""The fixtures of several micro-benchmarks: seeded data, an issuer, hosted cores.

The benchmarks are plain pytest-benchmark: `pytest scenarios/micro --benchmark-enable` runs them without the harness.
Each measures one call of one function; below about 20 µs, a batch of calls, whose size is in
`extra_info["per_call"]`. `ASSET_CORE_VARIANT` names the variant of those that host a core.
"""

import contextlib
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from targets import core_target
from targets.asset_core.counting import Tally
from targets.asset_core.data.generator import Inventory
from targets.asset_core.executor import InTurn
from targets.asset_core.fetch import Fetcher
from targets.asset_core.issuing import Issuer
from targets.asset_core.model import FullAsset
from targets.asset_core.profiles import LAMBDA
from targets.asset_core.scope import Scope
from targets.asset_core.stores.memory import MemoryStores, World
from targets.asset_core.tracing import Tracing

SEED = 1

HostCore = Callable[[str], core_target.CoreTarget]
"""Function from switch changes such as `l1:off`, or none, to an open core over memory stores without latency."""


@pytest.fixture
def variant() -> str:
    """Return the measured variant of the core."""
    return os.environ.get("ASSET_CORE_VARIANT", "optimised")


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    """Return 500 assets."""
    return Inventory("small", SEED)


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    """Return an issuer; its key is new each time, which changes no time."""
    return Issuer()


@pytest.fixture
def scope() -> Scope:
    """Return a scope without deadline, with its own counters."""
    return Scope(float("inf"), Tally())


@pytest.fixture
def stores(inventory: Inventory) -> MemoryStores:
    """Return stores over the inventory that answer at once."""
    return World(inventory)(LAMBDA, pooling=True)


@pytest.fixture
def identities(inventory: Inventory) -> list[tuple[str, str]]:
    """Return tenant and id of 100 assets."""
    rng = random.Random(SEED)
    return [inventory.identity(rng.randrange(len(inventory))) for _ in range(100)]


@pytest.fixture
def asset(inventory: Inventory, stores: MemoryStores, scope: Scope) -> FullAsset:
    """Return one whole asset of about 4 KB as JSON."""
    fetch = Fetcher(stores, InTurn(), Tracing())
    number = next(number for number in range(len(inventory)) if _is_medium(inventory, number))
    found = fetch(*inventory.identity(number), scope)
    assert found is not None
    return found


def _is_medium(inventory: Inventory, number: int) -> bool:
    bundle = inventory.bundle(number)
    return len(bundle.risks) >= 5 and len(bundle.technologies) >= 3 and len(bundle.relationships) >= 5


@pytest.fixture
def host(variant: str) -> Iterator[HostCore]:
    """Yield a function that hosts a core; all are closed at the end."""
    with contextlib.ExitStack() as cores:

        def make(switches: str) -> core_target.CoreTarget:
            target = core_target.create(
                variant=variant, switches=switches, backends="memory", latency_ms="0", profile="lambda"
            )
            target.open()
            cores.callback(target.close)
            return target

        yield make


@pytest.fixture
def ask() -> Callable[[core_target.CoreTarget, str, int], list[Any]]:
    """Return a function that makes a number of seeded events of an operation for a core."""

    def make(target: core_target.CoreTarget, operation: str, count: int) -> list[Any]:
        rng = random.Random(SEED)
        return [target.make_event(operation, rng) for _ in range(count)]

    return make
