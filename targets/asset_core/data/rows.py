"""The file format of one asset: its body in `POST /assets`, and its tenant."""

from typing import Any

import msgspec

from targets.asset_core.bodies import ASSET, AssetBody, Identifier, bundle_of
from targets.asset_core.errors import InvalidRequestError
from targets.asset_core.model import Bundle
from targets.asset_core.reading import Reader, Shape
from targets.asset_core.rules import Name, Record

DEFAULT_TENANT = "imported"
"""Tenant of an asset without a named tenant."""


class Row(AssetBody, frozen=True, forbid_unknown_fields=True):
    """See `AssetBody`."""

    tenant: Identifier = DEFAULT_TENANT


REQUIRED = tuple(ASSET.required)
FIELDS = (*REQUIRED, "tenant", *ASSET.optional)
ROW = Shape(Row, Record(ASSET.required, {"tenant": Name(), **ASSET.optional}))

_reader = Reader(compiled=True)


def read_row(value: Any) -> Bundle:
    """Return the asset of a row. Raises InvalidRequestError, which names every wrong field."""
    row = _reader.convert(value, ROW, "")
    _require_unique(row)
    return bundle_of(row, row.tenant)


def asset_body(bundle: Bundle) -> dict[str, Any]:
    """Return the body of `POST /assets` for an asset; the tenant comes from the caller."""
    document: dict[str, Any] = msgspec.to_builtins(bundle)
    asset: dict[str, Any] = document.pop("asset")
    del asset["tenant"]
    return asset | document


def row_of(bundle: Bundle) -> dict[str, Any]:
    """Return the row of an asset, in the form that `read_row` reads."""
    return {"tenant": bundle.asset.tenant, **asset_body(bundle)}


def _require_unique(row: Row) -> None:
    # In a request, a repeated part replaces the earlier one. In a file it is a mistake that the user should see.
    parts = (
        ("technologies", [found.name for found in row.technologies]),
        ("risks", [found.id for found in row.risks]),
        ("relationships", [(found.kind, found.target) for found in row.relationships]),
    )
    twice = [
        (f"{field}[{number}]", "is there already")
        for field, names in parts
        if len(set(names)) < len(names)
        for number, name in enumerate(names)
        if name in names[:number]
    ]
    if twice:
        raise InvalidRequestError("the row is not valid", twice[:1])
