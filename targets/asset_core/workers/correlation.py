"""risk-correlation: the exposure of an asset through the assets that it leads to.

A risk at `d` hops weighs `cvss / 10 * w * decay ** d`, with `w` by exploitability as in `risk.py` and `d` the length of
the shortest path. The same vulnerability counts once per asset, at its highest weight. The exposure is
`100 * (1 - product(1 - weight))` over these: with no hops it is the risk score of the asset, apart from duplicates.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from targets.asset_core.bodies import Identifier
from targets.asset_core.model import Relationship, Risk
from targets.asset_core.reading import Shape
from targets.asset_core.risk import SCORED_STATUS, weight_of
from targets.asset_core.rules import Many, Name, Number, Record
from targets.asset_core.scope import Scope
from targets.asset_core.workers.tools import Tools

START_LIMIT = 100
HOP_LIMIT = 5
ASSET_LIMIT = 2_000
LINK_LIMIT = 20_000
PATH_LIMIT = 10
"""Largest number of attack paths for each asset."""

Links = Mapping[str, Sequence[Relationship]]
Risks = Mapping[str, Sequence[Risk]]
Path = tuple[str, ...]


class CorrelateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The assets to correlate, the number of hops, and the decay for each hop."""

    ids: Annotated[tuple[Identifier, ...], Meta(min_length=1, max_length=START_LIMIT)]
    hops: Annotated[int, Meta(ge=0, le=HOP_LIMIT)] = 3
    decay: Annotated[float, Meta(ge=0, le=1)] = 0.5


CORRELATE = Shape(
    CorrelateBody,
    Record(
        {"ids": Many(Name(), START_LIMIT, 1)},
        {"hops": Number(0, HOP_LIMIT, whole=True), "decay": Number(0, 1)},
    ),
)


class AttackPath(msgspec.Struct, frozen=True):
    """A path from the asset to a risk, the asset first; `weight` is 0 to 1."""

    assets: Path
    cve: str
    weight: float


class Exposure(msgspec.Struct, frozen=True):
    """The exposure of an asset, 0 to 100, and its worst attack paths."""

    id: str
    exposure: float
    paths: list[AttackPath]


class CorrelationResult(msgspec.Struct, frozen=True):
    """`truncated` marks a neighbourhood larger than the examined part."""

    assets: list[Exposure]
    missing: list[str]
    truncated: bool


def shortest_paths(start: str, links: Links, hops: int) -> dict[str, Path]:
    """Return the shortest path to each asset within `hops`; of equally short ones the first by order of ids."""
    level: dict[str, Path] = {start: (start,)}
    paths = dict(level)
    for _ in range(hops):
        reached: dict[str, Path] = {}
        # A level is in the order of its paths, and so is the next one, if targets are taken in their order.
        for asset, path in level.items():
            for target in sorted({link.target for link in links.get(asset, ())}):
                if target not in paths and target not in reached:
                    reached[target] = (*path, target)
        paths |= reached
        level = reached
    return paths


def correlate(start: str, links: Links, risks: Risks, hops: int, decay: float) -> Exposure:
    """Return the exposure of one asset. Pure, and independent of the order of links and risks."""
    worst: dict[str, AttackPath] = {}
    for asset, path in shortest_paths(start, links, hops).items():
        for risk in risks.get(asset, ()):
            if risk.status == SCORED_STATUS:
                found = AttackPath(path, risk.cve or risk.id, weight_of(risk) * decay ** (len(path) - 1))
                if found.cve not in worst or _rank(found) < _rank(worst[found.cve]):
                    worst[found.cve] = found
    ranked = sorted(worst.values(), key=_rank)
    untouched = math.prod(1.0 - found.weight for found in ranked)
    shown = [
        AttackPath(found.assets, found.cve, round(found.weight, 4))
        for found in ranked[:PATH_LIMIT]
        if found.weight > 0
    ]
    return Exposure(start, round(100.0 * (1.0 - untouched), 2), shown)


def run_correlation(tools: Tools, tenant: str, body: CorrelateBody, scope: Scope) -> CorrelationResult:
    """Compute exposures and write them back to the graph, so that the assets show them. Idempotent."""
    ids = list(dict.fromkeys(body.ids))
    present = tools.stores.assets.get_assets(tenant, ids, scope)
    starts = [each for each in ids if each in present]
    links, reached, truncated = _neighbourhood(tools, tenant, starts, body.hops, scope)
    risks = tools.stores.graph.get_risks_of(tenant, sorted(reached), scope) if reached else {}
    exposures = []
    for start in starts:
        scope.check()
        exposures.append(correlate(start, links, risks, body.hops, body.decay))
    if exposures:
        _write_back(tools, tenant, {each.id: each.exposure for each in exposures}, scope)
    return CorrelationResult(exposures, [each for each in ids if each not in present], truncated)


def _write_back(tools: Tools, tenant: str, exposures: Mapping[str, float], scope: Scope) -> None:
    try:
        tools.stores.graph.set_exposures(tenant, exposures, scope)
    finally:
        # A failed write may have been carried out nevertheless.
        tools.ingest.forget(tenant, list(exposures), scope)


def _neighbourhood(
    tools: Tools, tenant: str, starts: Sequence[str], hops: int, scope: Scope
) -> tuple[dict[str, list[Relationship]], set[str], bool]:
    """Return the relationships within `hops`, the assets reached, and True if a limit ended it: a query for each hop."""
    links: dict[str, list[Relationship]] = {}
    reached, frontier = set(starts), set(starts)
    for _ in range(hops):
        if not frontier:
            break
        found = tools.stores.graph.get_links_of(tenant, sorted(frontier), LINK_LIMIT, scope)
        links |= found
        frontier = {link.target for each in found.values() for link in each} - reached
        reached |= frontier
        if len(reached) > ASSET_LIMIT or sum(map(len, found.values())) >= LINK_LIMIT:
            return links, reached, True
    return links, reached, False


def _rank(found: AttackPath) -> tuple[float, int, Path, str]:
    return -found.weight, len(found.assets), found.assets, found.cve
