"""A miss: the four queries of one asset, and its risk score."""

from collections.abc import Iterator
from typing import Any

import pytest

from targets.asset_core.data.generator import Inventory
from targets.asset_core.executor import AtOnce, Executor, InTurn
from targets.asset_core.fetch import Fetcher
from targets.asset_core.model import FullAsset, Risk
from targets.asset_core.risk import risk_score
from targets.asset_core.scope import Scope
from targets.asset_core.stores.memory import MemoryStores
from targets.asset_core.tracing import Tracing


@pytest.fixture(params=["at-once", "in-turn"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """The executor of the queries."""
    made: Executor = AtOnce(8) if request.param == "at-once" else InTurn()
    yield made
    made.close()


def test_four_queries(
    benchmark: Any, executor: Executor, stores: MemoryStores, asset: FullAsset, scope: Scope
) -> None:
    """One asset from stores that answer at once: the remaining cost is that of the queries."""
    fetch = Fetcher(stores, executor, Tracing())
    assert benchmark(fetch, asset.asset.tenant, asset.asset.id, scope) == asset


def test_risk_scores(benchmark: Any, inventory: Inventory) -> None:
    """The scores of 100 assets."""
    risks = [inventory.bundle(number).risks for number in range(100)]
    benchmark.extra_info["per_call"] = len(risks)
    scores = benchmark(_score_all, risks)
    assert scores == pytest.approx([_score_by_hand(of_one) for of_one in risks], abs=0.01)
    assert 0 < max(scores) <= 100


def _score_all(risks: list[list[Risk]]) -> list[float]:
    return [risk_score(of_one) for of_one in risks]


def _score_by_hand(risks: list[Risk]) -> float:
    weights = {"known_exploited": 1.0, "proof_of_concept": 0.6, "none": 0.3}
    untouched = 1.0
    for risk in risks:
        if risk.status == "open":
            untouched *= 1 - risk.cvss / 10 * weights[risk.exploitability]
    return 100 * (1 - untouched)
