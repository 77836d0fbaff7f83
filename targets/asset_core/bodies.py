"""The bodies of requests, as types and as rules. They never contain the tenant, which comes from the caller."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from targets.asset_core.feed import severity_of
from targets.asset_core.model import (
    ASSET_TYPES,
    EXPLOITABILITIES,
    RELATIONSHIP_KINDS,
    RISK_STATUSES,
    SEVERITIES,
    Asset,
    Bundle,
    Relationship,
    Risk,
    Technology,
)
from targets.asset_core.reading import Shape
from targets.asset_core.rules import Anything, Choice, Flag, Many, Name, Number, Record, Rule, Text
from targets.asset_core.validation import NAME_PATTERN

BATCH_LIMIT = 1_000
"""Largest number of assets of one request."""

TECHNOLOGY_LIMIT = 500
RISK_LIMIT = 1_000
LINK_LIMIT = 2_000
TAG_LIMIT = 50

Identifier = Annotated[str, Meta(pattern=rf"\A{NAME_PATTERN}\Z")]
Short = Annotated[str, Meta(max_length=200)]
"""Short text: names of technologies become sort keys, of which DynamoDB takes 1,024 bytes, or 200 characters of 4."""

Line = Annotated[str, Meta(max_length=1_000)]
_SHORT, _LINE, _FULL = Text(200), Text(1_000), Text(20_000)


class TechnologyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See `Technology`."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    version: Short = ""
    vendor: Short = ""
    category: Short = ""


class RiskBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See `Risk`. The default severity is that of the score."""

    id: Annotated[str, Meta(min_length=1, max_length=1_000)]
    cve: Short
    cvss: Annotated[float, Meta(ge=0, le=10)]
    title: Line = ""
    severity: Literal[SEVERITIES] | msgspec.UnsetType = msgspec.UNSET  # type: ignore[valid-type]
    exploitability: Literal[EXPLOITABILITIES] = "none"  # type: ignore[valid-type]
    status: Literal[RISK_STATUSES] = "open"  # type: ignore[valid-type]
    found_at: Short = ""


class LinkBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See `Relationship`."""

    kind: Literal[RELATIONSHIP_KINDS]  # type: ignore[valid-type]
    target: Identifier
    target_type: Literal[ASSET_TYPES]  # type: ignore[valid-type]


class AssetBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See `Asset`."""

    id: Identifier
    type: Literal[ASSET_TYPES]  # type: ignore[valid-type]
    name: Line
    description: Annotated[str, Meta(max_length=20_000)] = ""
    owner: Line = ""
    criticality: Annotated[int, Meta(ge=1, le=5)] = 1
    tags: Annotated[tuple[Short, ...], Meta(max_length=TAG_LIMIT)] = ()
    first_seen: Short = ""
    last_seen: Short = ""
    technologies: Annotated[tuple[TechnologyBody, ...], Meta(max_length=TECHNOLOGY_LIMIT)] = ()
    risks: Annotated[tuple[RiskBody, ...], Meta(max_length=RISK_LIMIT)] = ()
    relationships: Annotated[tuple[LinkBody, ...], Meta(max_length=LINK_LIMIT)] = ()


class IngestBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /assets`."""

    assets: Annotated[tuple[AssetBody, ...], Meta(min_length=1, max_length=BATCH_LIMIT)]


class BatchGetBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /assets/batch-get`."""

    ids: Annotated[tuple[Identifier, ...], Meta(min_length=1, max_length=BATCH_LIMIT)]


class JobBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /jobs`. The kind of job determines the form of `data`."""

    kind: Annotated[str, Meta(min_length=1, max_length=200)]
    data: dict[str, Any]
    wait: bool = False


def bundle_of(body: AssetBody, tenant: str) -> Bundle:
    """Return the stored form of an asset that a caller of `tenant` sent."""
    asset = Asset(
        id=body.id,
        tenant=tenant,
        type=body.type,
        name=body.name,
        description=body.description,
        owner=body.owner,
        criticality=body.criticality,
        tags=body.tags,
        first_seen=body.first_seen,
        last_seen=body.last_seen,
    )
    technologies = {found.name: found for found in body.technologies}
    return Bundle(
        asset,
        [
            Technology(found.name, found.version, found.vendor, found.category)
            for found in technologies.values()
        ],
        [_risk(found) for found in body.risks],
        [Relationship(found.kind, found.target, found.target_type) for found in body.relationships],
    )


def _risk(body: RiskBody) -> Risk:
    return Risk(
        id=body.id,
        cve=body.cve,
        title=body.title,
        severity=severity_of(body.cvss) if body.severity is msgspec.UNSET else body.severity,
        cvss=body.cvss,
        exploitability=body.exploitability,
        status=body.status,
        found_at=body.found_at,
    )


_TECHNOLOGY = Record({"name": Text(200, 1)}, {"version": _SHORT, "vendor": _SHORT, "category": _SHORT})
_RISK = Record(
    {"id": Text(1_000, 1), "cve": _SHORT, "cvss": Number(0, 10)},
    {
        "title": _LINE,
        "severity": Choice(SEVERITIES),
        "exploitability": Choice(EXPLOITABILITIES),
        "status": Choice(RISK_STATUSES),
        "found_at": _SHORT,
    },
)
_LINK = Record({"kind": Choice(RELATIONSHIP_KINDS), "target": Name(), "target_type": Choice(ASSET_TYPES)})
_OPTIONAL: dict[str, Rule] = {
    "description": _FULL,
    "owner": _LINE,
    "criticality": Number(1, 5, whole=True),
    "tags": Many(_SHORT, TAG_LIMIT),
    "first_seen": _SHORT,
    "last_seen": _SHORT,
    "technologies": Many(_TECHNOLOGY, TECHNOLOGY_LIMIT),
    "risks": Many(_RISK, RISK_LIMIT),
    "relationships": Many(_LINK, LINK_LIMIT),
}
ASSET = Record({"id": Name(), "type": Choice(ASSET_TYPES), "name": _LINE}, _OPTIONAL)

INGEST = Shape(IngestBody, Record({"assets": Many(ASSET, BATCH_LIMIT, 1)}))
BATCH_GET = Shape(BatchGetBody, Record({"ids": Many(Name(), BATCH_LIMIT, 1)}))
JOB = Shape(
    JobBody, Record({"kind": Text(200, 1), "data": Anything()}, {"wait": Flag()}), lambda body: body.data
)
