"""vulnerability-scan: match an asset's technologies against the feed by version range, and store the risks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from targets.asset_core.bodies import Identifier
from targets.asset_core.feed import Vulnerability, severity_of
from targets.asset_core.model import Risk, Technology
from targets.asset_core.reading import Shape
from targets.asset_core.rules import Many, Name, Record
from targets.asset_core.scope import Scope
from targets.asset_core.workers.tools import Feed, Tools
from targets.asset_core.workers.versions import is_affected, parse_version

SCAN_LIMIT = 100


class ScanBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The assets to scan."""

    ids: Annotated[tuple[Identifier, ...], Meta(min_length=1, max_length=SCAN_LIMIT)]


SCAN = Shape(ScanBody, Record({"ids": Many(Name(), SCAN_LIMIT, 1)}))


class ScanResult(msgspec.Struct, frozen=True):
    """The results of a scan. `unversioned` technologies have a version that cannot be compared."""

    scanned: int
    missing: list[str]
    matched: int
    known_exploited: int
    added: int
    updated: int
    unversioned: int


def find_matches(technologies: Iterable[Technology], feed: Feed) -> list[Vulnerability]:
    """Return the entries that affect any of the technologies, each once per CVE."""
    found: dict[str, Vulnerability] = {}
    for technology in technologies:
        version = parse_version(technology.version)
        if version is not None:
            entries = feed.get(technology.name.casefold(), ())
            found |= {entry.cve: entry for entry in entries if is_affected(version, entry)}
    return [found[cve] for cve in sorted(found)]


def risk_of(asset_id: str, entry: Vulnerability, known: Risk | None, now: str) -> Risk:
    """Return the risk of a match. People's decisions on a known risk stay: its status and its time of discovery."""
    return Risk(
        id=f"{asset_id}/{entry.cve}",
        cve=entry.cve,
        title=entry.title,
        severity=severity_of(entry.cvss),
        cvss=entry.cvss,
        exploitability=entry.exploitability,
        status=known.status if known is not None else "open",
        found_at=known.found_at if known is not None else now,
    )


def scan(tools: Tools, tenant: str, body: ScanBody, scope: Scope) -> ScanResult:
    """Upsert the risks of the named assets, and remove changed ones from the caches. Idempotent."""
    ids = list(dict.fromkeys(body.ids))
    assets = tools.stores.assets.get_assets(tenant, ids, scope)
    matches, unversioned = _match_all(tools, tenant, assets, scope)
    before = tools.stores.graph.get_risks_of(tenant, list(assets), scope) if assets else {}
    changes, added = _changes(matches, before, tools.now())
    _write(tools, tenant, changes, scope)
    entries = [entry for found in matches.values() for entry in found]
    return ScanResult(
        scanned=len(assets),
        missing=[each for each in ids if each not in assets],
        matched=len(entries),
        known_exploited=sum(entry.exploitability == "known_exploited" for entry in entries),
        added=added,
        updated=sum(map(len, changes.values())) - added,
        unversioned=unversioned,
    )


def _match_all(
    tools: Tools, tenant: str, asset_ids: Iterable[str], scope: Scope
) -> tuple[dict[str, list[Vulnerability]], int]:
    """Return the matches of each asset, and the number of technologies without a comparable version."""
    matches: dict[str, list[Vulnerability]] = {}
    unversioned = 0
    with tools.workspace.technologies.lend() as held:
        for asset_id in asset_ids:
            held.fill(tools.stores.assets.get_technologies(tenant, asset_id, scope))
            matches[asset_id] = find_matches(held.values(), tools.feed())
            unversioned += sum(parse_version(found.version) is None for found in held.values())
    return matches, unversioned


def _changes(
    matches: Mapping[str, Sequence[Vulnerability]], before: Mapping[str, Sequence[Risk]], now: str
) -> tuple[dict[str, list[Risk]], int]:
    """Return the risks that differ from their stored state, and the number of new ones."""
    changes: dict[str, list[Risk]] = {}
    added = 0
    for asset_id, entries in matches.items():
        known = {risk.id: risk for risk in before.get(asset_id, ())}
        risks = [risk_of(asset_id, entry, known.get(f"{asset_id}/{entry.cve}"), now) for entry in entries]
        changed = [risk for risk in risks if known.get(risk.id) != risk]
        added += sum(risk.id not in known for risk in changed)
        if changed:
            changes[asset_id] = changed
    return changes, added


def _write(tools: Tools, tenant: str, changes: dict[str, list[Risk]], scope: Scope) -> None:
    if not changes:
        return
    try:
        tools.stores.graph.upsert_risks(tenant, changes, scope)
    finally:
        tools.ingest.forget(tenant, list(changes), scope)
