"""The data behind memory stores: generated bundles, and the parts written over them."""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from targets.asset_core.keys import META_KEY, TECHNOLOGY_PREFIX, identity_of
from targets.asset_core.model import Asset, Bundle, Relationship, Risk, Technology
from targets.asset_core.stores.dynamo_items import read_asset, read_names, read_technology
from targets.asset_core.stores.write_queue import Write

Part = TypeVar("Part")
Identity = tuple[str, str]
"""Pair (tenant, id)."""


class Shelf(Generic[Part]):
    """One kind of part of every asset by name: from its bundle until it is written, then an immutable mapping."""

    def __init__(
        self,
        bundles: Mapping[Identity, Bundle],
        part_of: Callable[[Bundle], list[Part]],
        name: Callable[[Part], str],
    ) -> None:
        self._bundles = bundles
        self._part_of = part_of
        self._name = name
        self._written: dict[Identity, dict[str, Part]] = {}
        self._lock = threading.Lock()

    def of(self, identity: Identity) -> Iterable[Part]:
        """Return the parts of an asset; none if it does not exist."""
        written = self._written.get(identity)
        if written is not None:
            return written.values()
        bundle = self._bundles.get(identity)
        return () if bundle is None else self._part_of(bundle)

    def put(self, identity: Identity, parts: Iterable[Part]) -> None:
        """Add parts, or replace those with the same name."""
        with self._lock:
            now = {self._name(part): part for part in self.of(identity)}
            self._written[identity] = now | {self._name(part): part for part in parts}

    def drop(self, identity: Identity, name: str) -> None:
        """Remove one part."""
        with self._lock:
            parts = {self._name(part): part for part in self.of(identity)}
            parts.pop(name, None)
            self._written[identity] = parts


class Data:
    """All data of a process's stores. It outlives them, as servers outlive connections."""

    def __init__(self, bundles: Iterable[Bundle]) -> None:
        self.bundles = {(bundle.asset.tenant, bundle.asset.id): bundle for bundle in bundles}
        self.values: dict[str, tuple[float, bytes]] = {}
        self.technologies: Shelf[Technology] = Shelf(self.bundles, _technologies, _name_of)
        self.risks: Shelf[Risk] = Shelf(self.bundles, _risks, _id_of)
        self.links: Shelf[Relationship] = Shelf(self.bundles, _links, _link_name)
        self.exposures: dict[Identity, float] = {}
        self._metas: dict[Identity, tuple[Asset, frozenset[str]]] = {}

    def asset(self, identity: Identity) -> Asset | None:
        """Return the asset, or None."""
        meta = self._metas.get(identity)
        if meta is not None:
            return meta[0]
        bundle = self.bundles.get(identity)
        return None if bundle is None else bundle.asset

    def technologies_of(self, identity: Identity) -> list[Technology]:
        """Return the technologies that the asset lists, by name; none if it does not exist."""
        meta = self._metas.get(identity)
        found = sorted(self.technologies.of(identity), key=_name_of)
        if meta is not None:
            return [technology for technology in found if technology.name in meta[1]]
        return found if identity in self.bundles else []

    def links_of(self, identity: Identity) -> list[Relationship]:
        """Return the relationships, by kind and target, each with the current type of its far end."""
        found = sorted(self.links.of(identity), key=_by_target)
        return [self._typed(link, identity[0]) for link in found] if self._metas else found

    def _typed(self, link: Relationship, tenant: str) -> Relationship:
        meta = self._metas.get((tenant, link.target))
        return link if meta is None else Relationship(link.kind, link.target, meta[0].type)

    def apply(self, write: Write) -> None:
        """Put or delete one item of the table."""
        identity, sort_key = identity_of(write.key[0]), write.key[1]
        if write.item is None:
            self.technologies.drop(identity, sort_key.removeprefix(TECHNOLOGY_PREFIX))
        elif sort_key == META_KEY:
            self._metas[identity] = read_asset(write.item), frozenset(read_names(write.item))
        else:
            self.technologies.put(identity, [read_technology(write.item)])


def _technologies(bundle: Bundle) -> list[Technology]:
    return bundle.technologies


def _risks(bundle: Bundle) -> list[Risk]:
    return bundle.risks


def _links(bundle: Bundle) -> list[Relationship]:
    return bundle.relationships


def _name_of(technology: Technology) -> str:
    return technology.name


def _id_of(risk: Risk) -> str:
    return risk.id


def _link_name(link: Relationship) -> str:
    return f"{link.kind} {link.target}"


def _by_target(link: Relationship) -> tuple[str, str]:
    return link.kind, link.target
