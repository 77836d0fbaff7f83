"""Read the file of values that fill the placeholders of requests: CSV, with the names in its first line."""

import csv
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from harness.errors import UsageError
from harness.storage import files

_REMEDY = "Write a line of names, and below it one line of values for each set"


@dataclasses.dataclass(frozen=True, slots=True)
class Values:
    """Sets of values that belong together; each maps the names in `columns` to texts."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]


def read_values(path: Path) -> Values:
    """Return the values in a file. Raises `UsageError`, which names the line, for anything but a table of texts."""
    try:
        text = files.read_bytes(path).decode("utf-8-sig")
    except OSError as error:
        raise UsageError(
            f"The values cannot be read: {error.strerror}", where=str(path), remedy=_REMEDY
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError("The values are not UTF-8 text", where=str(path), remedy=_REMEDY) from error
    reader = csv.reader(text.splitlines(), strict=True)
    columns: tuple[str, ...] = ()
    rows = []
    try:
        for cells in reader:
            if not cells:
                continue
            if not columns:
                columns = _columns(cells, path)
                continue
            if len(cells) != len(columns):
                _refuse(
                    f"this line has {len(cells)} values, and {len(columns)} are named", path, reader.line_num
                )
            rows.append(dict(zip(columns, cells, strict=True)))
    except csv.Error as error:
        _refuse(f"this is not CSV: {error}", path, reader.line_num)
    if not rows:
        raise UsageError("The values file has no values", where=str(path), remedy=_REMEDY)
    return Values(path.name, columns, tuple(rows))


def _columns(cells: list[str], path: Path) -> tuple[str, ...]:
    columns = tuple(cell.strip() for cell in cells)
    if "" in columns or len(set(columns)) < len(columns):
        _refuse(f"the names of the values are not distinct: {', '.join(columns)}", path, 1)
    return columns


def _refuse(why: str, path: Path, line: int) -> NoReturn:
    raise UsageError(f"The values cannot be used: {why}", where=f"{path}:{line}", remedy=_REMEDY)
