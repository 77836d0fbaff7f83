"""From method and path to a route: by table, and by one regular expression after the other."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from targets.asset_core.routing import GET_ASSET, Find, Route, make_patterns, make_table

Identities = list[tuple[str, str]]


@pytest.mark.parametrize("make", [make_table, make_patterns], ids=["table", "patterns"])
def test_route(benchmark: Any, identities: Identities, make: Callable[[], Find]) -> None:
    """100 paths of single assets."""
    paths = [f"/assets/{asset_id}" for _tenant, asset_id in identities]
    benchmark.extra_info["per_call"] = len(paths)
    route, value = benchmark(_find_all, make(), paths)
    assert (route, value) == (GET_ASSET, identities[-1][1])


def _find_all(find: Find, paths: Sequence[str]) -> tuple[Route, str] | None:
    found = None
    for path in paths:
        found = find("GET", path)
    return found
