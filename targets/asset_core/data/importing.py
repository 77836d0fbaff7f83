"""Import real inventories from JSON Lines and CSV: complete, or with a reason for every unusable line."""

import collections
import itertools
from collections.abc import Iterator
from pathlib import Path

from targets.asset_core.data.inventory import Tenant
from targets.asset_core.data.lines import Faults, csv_rows, json_rows
from targets.asset_core.data.rows import read_row
from targets.asset_core.errors import DataError, InvalidRequestError
from targets.asset_core.model import Bundle

READERS = {".jsonl": json_rows, ".ndjson": json_rows, ".csv": csv_rows}
"""Readers by file suffix."""


class Imported:
    """The assets of a file, by tenant, in the file's order. Raises DataError, which names each unusable line."""

    def __init__(self, path: Path) -> None:
        self._bundles = sorted(read_bundles(path), key=_tenant_of)
        self.tenants = list(_tenants(self._bundles))

    def __len__(self) -> int:
        return len(self._bundles)

    def __iter__(self) -> Iterator[Bundle]:
        return iter(self._bundles)

    def identity(self, number: int) -> tuple[str, str]:
        """Return (tenant, id) of an asset."""
        asset = self._bundles[number].asset
        return asset.tenant, asset.id

    def bundle(self, number: int) -> Bundle:
        """Return an asset with all that belongs to it."""
        return self._bundles[number]


def is_file_name(data: str) -> bool:
    """Return True if `data` names a file with an inventory, not a size."""
    return "/" in data or Path(data).suffix != ""


def read_bundles(path: Path) -> Iterator[Bundle]:
    """Yield the assets of a file as they are read. Raises DataError at its end for unusable lines or an empty file."""
    rows = READERS.get(path.suffix.lower())
    if rows is None:
        raise DataError(
            f"{path}: what the file holds is told by its name", remedy=f"Use {', '.join(READERS)}"
        )
    faults, seen = Faults(), dict[tuple[str, str], int]()
    try:
        if not path.is_file():
            raise FileNotFoundError(f"there is no file {path}")
        with path.open("rb") as file:
            for line, value in rows(file, faults):
                try:
                    bundle = read_row(value)
                    _require_first(bundle, line, seen)
                except InvalidRequestError as error:
                    faults.add(line, "; ".join(itertools.starmap(_sentence, error.fields)))
                else:
                    yield bundle
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}", remedy="Name a file that can") from error
    _require_all(path, faults, len(seen))


def count_parts(path: Path) -> dict[str, int]:
    """Return the number of each kind of part in a file, without storing them. Raises DataError like `read_bundles`."""
    counts = collections.Counter[str]()
    tenants = set()
    for bundle in read_bundles(path):
        tenants.add(bundle.asset.tenant)
        counts.update(
            assets=1,
            technologies=len(bundle.technologies),
            risks=len(bundle.risks),
            relationships=len(bundle.relationships),
        )
    return {"tenants": len(tenants), **counts}


def _require_first(bundle: Bundle, line: int, seen: dict[tuple[str, str], int]) -> None:
    first = seen.setdefault((bundle.asset.tenant, bundle.asset.id), line)
    if first != line:
        raise InvalidRequestError("the row is not valid", [("id", f"is that of line {first} already")])


def _sentence(field: str, reason: str) -> str:
    return f"{field}: {reason}" if field != "body" else reason


def _require_all(path: Path, faults: Faults, assets: int) -> None:
    if faults.count:
        lines = [f"line {line}: {reason}" for line, reason in faults.kept]
        if faults.count > len(lines):
            lines.append(f"and {faults.count - len(lines):,} more")
        what = "1 line cannot" if faults.count == 1 else f"{faults.count:,} lines cannot"
        raise DataError("\n  ".join([f"{path}: {what} be used, so nothing is loaded", *lines]))
    if not assets:
        raise DataError(f"{path} holds no asset", remedy="Write one asset a line")


def _tenants(bundles: list[Bundle]) -> Iterator[Tenant]:
    first = 0
    for name, group in itertools.groupby(bundles, _tenant_of):
        count = sum(1 for _ in group)
        yield Tenant(name, first, count)
        first += count


def _tenant_of(bundle: Bundle) -> str:
    return bundle.asset.tenant
