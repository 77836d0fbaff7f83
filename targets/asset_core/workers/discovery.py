"""asset-discovery: from seed domains and address ranges to child assets and relationships, inside a scope list.

A domain yields itself and a host for each usual label below it; a range yields itself and each of its addresses. Only
results inside the scope are kept: a name by its suffix, an address by its network.
"""

import dataclasses
import ipaddress
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from targets.asset_core.model import Asset, Bundle, Relationship
from targets.asset_core.reading import Shape
from targets.asset_core.rules import Many, Record, Text
from targets.asset_core.scope import Scope
from targets.asset_core.workers.tools import Tools, require_written

LABELS = ("api", "dev", "mail", "vpn", "www")
ASSET_LIMIT = 1_000
LIST_LIMIT = 100

_DOMAIN = re.compile(r"(?=.{1,110}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Entry = Annotated[str, Meta(max_length=200)]
Entries = Annotated[tuple[Entry, ...], Meta(max_length=LIST_LIMIT)]


class DiscoverBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seeds, ranges and scope of a discovery; `scope` holds domains and networks."""

    scope: Annotated[tuple[Entry, ...], Meta(min_length=1, max_length=LIST_LIMIT)]
    seeds: Entries = ()
    ranges: Entries = ()


_LIST = Many(Text(200), LIST_LIMIT)
DISCOVER = Shape(
    DiscoverBody, Record({"scope": Many(Text(200), LIST_LIMIT, 1)}, {"seeds": _LIST, "ranges": _LIST})
)


class DiscoveryResult(msgspec.Struct, frozen=True):
    """`out_of_scope` names the seeds and ranges without a kept asset; `truncated` marks further ones."""

    found: int
    created: int
    known: int
    relationships: int
    out_of_scope: list[str]
    truncated: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """An asset in the scope, and its parent, if that is in the scope too."""

    id: str
    type: str
    name: str
    parent: str | None = None
    kind: str = ""
    nearness: int = 0
    """Rank of the parent: of several, the nearest counts; a narrower range is nearer, and any is nearer than none."""


def check_discovery(body: DiscoverBody) -> list[tuple[str, str]]:
    """Return (field, reason) for each entry that should be a domain or a network and is not."""
    domain, network = (
        "must be a domain name of at most 110 characters",
        "must be a network such as 192.0.2.0/24",
    )
    return [
        *((f"data.seeds[{i}]", domain) for i, each in enumerate(body.seeds) if domain_of(each) is None),
        *((f"data.ranges[{i}]", network) for i, each in enumerate(body.ranges) if network_of(each) is None),
        *(
            (f"data.scope[{i}]", f"{domain}, or {network.removeprefix('must be ')}")
            for i, each in enumerate(body.scope)
            if domain_of(each) is None and network_of(each) is None
        ),
    ]


def domain_of(text: str) -> str | None:
    """Return a domain name in lower case without its trailing dot, or None."""
    name = text.lower().removesuffix(".")
    return name if _DOMAIN.fullmatch(name) else None


def network_of(text: str) -> Network | None:
    """Return a network, or None; host bits and zones are refused."""
    try:
        return None if "%" in text else ipaddress.ip_network(text)
    except ValueError:
        return None


def derive(body: DiscoverBody) -> tuple[list[Found], list[str], bool]:
    """Return the assets found in the scope, each once, the seeds without any, and True if there were more."""
    found: dict[str, Found] = {}
    outside: list[str] = []
    for seed, each in _sources(body):
        kept = list(itertools.islice(each, ASSET_LIMIT + 1))
        if not kept:
            outside.append(seed)
        for asset in kept:
            if asset.id not in found or found[asset.id].nearness < asset.nearness:
                found[asset.id] = asset
    everything = list(found.values())
    return _closed(everything[:ASSET_LIMIT]), outside, len(everything) > ASSET_LIMIT


def discover(tools: Tools, tenant: str, body: DiscoverBody, scope: Scope) -> DiscoveryResult:
    """Write the assets found. Existing assets keep all their data; relationships are added."""
    found, outside, truncated = derive(body)
    existing = tools.stores.assets.get_assets(tenant, [each.id for each in found], scope)
    links: dict[str, list[Relationship]] = {}
    for each in found:
        if each.parent is not None:
            links.setdefault(each.parent, []).append(Relationship(each.kind, each.id, each.type))
    now = tools.now()
    new = [
        Bundle(_asset(each, tenant, now), [], [], links.get(each.id, []))
        for each in found
        if each.id not in existing
    ]
    if new:
        require_written(tools.ingest.write(tenant, new, scope))
    known = [Bundle(existing[each], [], [], links[each]) for each in existing if each in links]
    if known:
        tools.ingest.link(tenant, known, scope)
    return DiscoveryResult(
        found=len(found),
        created=len(new),
        known=len(existing),
        relationships=sum(map(len, links.values())),
        out_of_scope=outside,
        truncated=truncated,
    )


def _sources(body: DiscoverBody) -> Iterator[tuple[str, Iterator[Found]]]:
    names = [name for name in map(domain_of, body.scope) if name is not None]
    networks = [network for network in map(network_of, body.scope) if network is not None]
    for seed in body.seeds:
        yield seed, _below(domain_of(seed) or "", names)
    for text in body.ranges:
        network = network_of(text)
        if network is not None:
            yield text, _inside(network, networks)


def _below(domain: str, names: Sequence[str]) -> Iterator[Found]:
    parent = None
    if _in_names(domain, names):
        parent = f"domain:{domain}"
        yield Found(parent, "domain", domain)
    for label in LABELS:
        name = f"{label}.{domain}"
        if _in_names(name, names):
            yield Found(
                f"host:{name}", "host", name, parent, "RESOLVES_TO" if parent else "", 1 if parent else 0
            )


def _inside(network: Network, networks: Sequence[Network]) -> Iterator[Found]:
    for part in _overlaps(network, networks):
        if part.num_addresses == 1:
            yield Found(f"address:{part.network_address}", "address", str(part.network_address))
            continue
        block = f"address:{part.network_address}-{part.prefixlen}"
        yield Found(block, "address", str(part))
        for address in part.hosts():
            yield Found(f"address:{address}", "address", str(address), block, "HOSTS", 1 + part.prefixlen)


def _overlaps(network: Network, networks: Sequence[Network]) -> list[Network]:
    """Return the parts of a network in the scope: of two networks one contains the other, or they are disjoint."""
    parts = [_smaller(network, other) for other in networks if _nested(network, other)]
    return list(ipaddress.collapse_addresses(parts))  # type: ignore[type-var]


def _nested(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _smaller(one: Network, other: Network) -> Network:
    return one if one.prefixlen >= other.prefixlen else other


def _in_names(name: str, names: Sequence[str]) -> bool:
    return any(name == other or name.endswith("." + other) for other in names)


def _closed(found: list[Found]) -> list[Found]:
    """Return the same assets without parents that are not among them."""
    ids = {each.id for each in found}
    return [
        each if each.parent is None or each.parent in ids else dataclasses.replace(each, parent=None)
        for each in found
    ]


def _asset(found: Found, tenant: str, now: str) -> Asset:
    return Asset(
        id=found.id,
        tenant=tenant,
        type=found.type,
        name=found.name,
        description="",
        owner="",
        criticality=1,
        tags=("discovered",),
        first_seen=now,
        last_seen=now,
    )
