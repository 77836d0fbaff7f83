"""The core's model of an attack surface. Every record is immutable; order and spelling are part of the wire format."""

import msgspec

SCHEMA = 2
"""Version of the cached form of `FullAsset`; increase it when a field changes."""

ASSET_TYPES = ("address", "cloud", "domain", "host", "service")
RELATIONSHIP_KINDS = ("CONNECTS_TO", "DEPENDS_ON", "EXPOSES", "HOSTS", "RESOLVES_TO")
SEVERITIES = ("critical", "high", "low", "medium", "none")
EXPLOITABILITIES = ("known_exploited", "none", "proof_of_concept")
RISK_STATUSES = ("accepted", "fixed", "open")

RELATIONSHIP_LIMIT = 1_000
"""Largest number of relationships in a response; the flag `relationships_truncated` marks further ones."""


class Technology(msgspec.Struct, frozen=True, gc=False):
    """A product seen on an asset."""

    name: str
    version: str
    vendor: str
    category: str


class Risk(msgspec.Struct, frozen=True, gc=False):
    """A finding on an asset. `cvss` is 0 to 10; `exploitability` is known_exploited, proof_of_concept or none."""

    id: str
    cve: str
    title: str
    severity: str
    cvss: float
    exploitability: str
    status: str
    found_at: str


class Relationship(msgspec.Struct, frozen=True, gc=False):
    """An edge from the asset to another of the same tenant."""

    kind: str
    target: str
    target_type: str


class Asset(msgspec.Struct, frozen=True):
    """One domain, host, address, service or cloud resource."""

    id: str
    tenant: str
    type: str
    name: str
    description: str
    owner: str
    criticality: int
    tags: tuple[str, ...]
    first_seen: str
    last_seen: str


class FullAsset(msgspec.Struct, frozen=True):
    """The complete response of `GET /assets/{id}`.

    `risk_score` follows from the risks. `exposure`, 0 to 100, is the result of the asset's last risk-correlation, and
    null before the first: ingest leaves it unchanged.
    """

    asset: Asset
    risk_score: float
    exposure: float | None
    risks: list[Risk]
    technologies: list[Technology]
    relationships: list[Relationship]
    relationships_truncated: bool


class Bundle(msgspec.Struct, frozen=True):
    """An asset with all of its parts, as it is generated, ingested and stored."""

    asset: Asset
    technologies: list[Technology]
    risks: list[Risk]
    relationships: list[Relationship]
