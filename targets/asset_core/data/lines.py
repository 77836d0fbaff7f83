"""Read rows of text files with their line numbers: JSON Lines and CSV. Unreadable rows are recorded and skipped."""

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import msgspec

from targets.asset_core.data.rows import FIELDS, REQUIRED
from targets.asset_core.reading import BODY_LIMIT_BYTES as LONGEST_LINE_BYTES

FAULT_LIMIT = 20
"""Largest number of lines that an error names."""

LONGEST_CELL = 4 * 1024 * 1024

Rows = Iterator[tuple[int, Any]]
"""Pairs of the first line of a row and its value."""


class Faults:
    """Faults of a file by line: the first 20 are kept, all are counted."""

    def __init__(self) -> None:
        self.kept: list[tuple[int, str]] = []
        self.count = 0

    def add(self, line: int, reason: str) -> None:
        """Record the defect of a line. The reason may contain text of the file: control characters are escaped."""
        self.count += 1
        if len(self.kept) < FAULT_LIMIT:
            self.kept.append((line, "".join(map(_visible, reason))))


def json_rows(file: BinaryIO, faults: Faults) -> Rows:
    """Yield the value of each line; empty lines are skipped."""
    for number, text in enumerate(_text_lines(file, faults), 1):
        if not text.strip():
            continue
        try:
            value = msgspec.json.decode(text)
        except msgspec.MsgspecError as error:
            faults.add(number, f"is not JSON: {error}")
        except RecursionError:
            faults.add(number, "is nested too deep")
        else:
            yield number, value


def csv_rows(file: BinaryIO, faults: Faults) -> Rows:
    """Yield an object for each row by the names of the header; an empty cell is an omitted field.

    `tags` are separated by semicolons; `technologies`, `risks` and `relationships` are lists in JSON.
    """
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        reader = _cells(csv.reader(_text_lines(file, faults), strict=True), faults)
        line, header = next(reader, (1, []))
        if faults.count or not _is_header(line, [name.strip() for name in header], faults):
            return
        names = [name.strip() for name in header]
        for line, cells in reader:
            if len(cells) == len(names):
                pairs = zip(names, cells, strict=True)
                yield line, {name: _READ.get(name, str)(cell) for name, cell in pairs if cell}
            else:
                faults.add(line, f"has {len(cells)} cells, and the header {len(names)}")
    finally:
        csv.field_size_limit(before)


def _text_lines(file: BinaryIO, faults: Faults) -> Iterator[str]:
    """Yield each line; one that is not text, or too long for an asset, becomes an empty line."""
    number = 0
    while data := file.readline(LONGEST_LINE_BYTES + 1):
        number += 1
        text = "\n"
        try:
            if len(data) > LONGEST_LINE_BYTES:
                faults.add(number, "is longer than 6 MiB")
                _skip_line(file, data)
            else:
                text = data.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            faults.add(number, f"is not UTF-8 (byte {error.start + 1} of the line)")
        yield text


def _skip_line(file: BinaryIO, data: bytes) -> None:
    while data and not data.endswith(b"\n"):
        data = file.readline(LONGEST_LINE_BYTES)


def _cells(reader: Any, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            faults.add(line, f"is not CSV: {error}")
            continue
        if cells is None:
            return
        if cells:
            yield line, cells


def _is_header(line: int, names: Sequence[str], faults: Faults) -> bool:
    wrong = [
        *(f"there is no column {name}" for name in REQUIRED if name not in names),
        *(f"column {name[:50]!r} is not known" for name in names if name not in FIELDS),
        *(f"column {name} is there twice" for name in FIELDS if names.count(name) > 1),
    ]
    if names and wrong:
        faults.add(line, f"{'; '.join(wrong[:5])}. Columns, with commas between them: {', '.join(FIELDS)}")
    return not wrong


def _visible(character: str) -> str:
    return character if character.isprintable() else f"\\x{ord(character):02x}"


def _whole(text: str) -> Any:
    return int(text) if text.isascii() and text.strip().isdigit() and len(text) < 10 else text


def _split(text: str) -> Any:
    return [tag.strip() for tag in text.split(";") if tag.strip()]


def _list(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return text  # The check of the row reports the expected type.


_READ: dict[str, Callable[[str], Any]] = {
    "criticality": _whole, "tags": _split, "technologies": _list, "risks": _list, "relationships": _list,
}  # fmt: skip
