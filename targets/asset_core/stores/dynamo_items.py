"""Convert assets and technologies to DynamoDB items and back. Written by hand: boto3's deserialiser is slow."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from targets.asset_core.errors import StoreError
from targets.asset_core.keys import META_KEY, TECHNOLOGY_PREFIX, partition_key, technology_key
from targets.asset_core.model import Asset, Bundle, Technology
from targets.asset_core.stores.names import DYNAMODB

Item = dict[str, Any]
Read = TypeVar("Read")

TECHNOLOGIES = "technologies"
"""Attribute of `META` that lists the asset's technologies; unlisted ones are not part of it."""

_TEXTS = ("id", "tenant", "type", "name", "description", "owner", "first_seen", "last_seen")


def items_of(bundle: Bundle) -> list[Item]:
    """Return all items of an asset, `META` last: an asset becomes visible only when complete."""
    asset = bundle.asset
    key = partition_key(asset.tenant, asset.id)
    return [
        *(_technology_item(key, technology) for technology in bundle.technologies),
        _asset_item(key, asset, bundle.technologies),
    ]


def key_of(item: Item) -> tuple[str, str]:
    """Return (pk, sk)."""
    return item["pk"]["S"], item["sk"]["S"]


def read_asset(item: Mapping[str, Any]) -> Asset:
    """Return the asset of a `META` item; StoreError if it is malformed."""
    return _read(_asset, item)


def read_technology(item: Mapping[str, Any]) -> Technology:
    """Return the technology of a `TECH#` item; StoreError if it is malformed."""
    return _read(_technology, item)


def read_names(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the technologies that a `META` item lists; StoreError if it is malformed."""
    return _read(_names, item)


def _asset_item(key: str, asset: Asset, technologies: Sequence[Technology]) -> Item:
    item: Item = {name: {"S": getattr(asset, name)} for name in _TEXTS}
    item |= {"pk": {"S": key}, "sk": {"S": META_KEY}, "criticality": {"N": str(asset.criticality)}}
    item["tags"] = {"L": [{"S": tag} for tag in asset.tags]}
    item[TECHNOLOGIES] = {"L": [{"S": name} for name in sorted({found.name for found in technologies})]}
    return item


def _technology_item(key: str, technology: Technology) -> Item:
    return {
        "pk": {"S": key},
        "sk": {"S": technology_key(technology.name)},
        "version": {"S": technology.version},
        "vendor": {"S": technology.vendor},
        "category": {"S": technology.category},
    }


def _read(read: Callable[[Mapping[str, Any]], Read], item: Mapping[str, Any]) -> Read:
    try:
        return read(item)
    except (KeyError, TypeError, ValueError) as error:
        key = item.get("pk"), item.get("sk")
        raise StoreError(
            f"the item {key} is malformed: {error!r}", where=DYNAMODB, remedy="Write it again"
        ) from error


def _asset(item: Mapping[str, Any]) -> Asset:
    texts = {name: item[name]["S"] for name in _TEXTS}
    tags = tuple(tag["S"] for tag in item["tags"]["L"])
    return Asset(criticality=int(item["criticality"]["N"]), tags=tags, **texts)


def _names(item: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name["S"] for name in item[TECHNOLOGIES]["L"])


def _technology(item: Mapping[str, Any]) -> Technology:
    return Technology(
        name=item["sk"]["S"].removeprefix(TECHNOLOGY_PREFIX),
        version=item["version"]["S"],
        vendor=item["vendor"]["S"],
        category=item["category"]["S"],
    )
