"""Read and extend a ledger: a folder with one JSON Lines file for each group of benchmarks.

Lines are only ever added, and a line that is there twice counts once, so that branches merge by keeping the lines of both
(`merge=union` in the folder's `.gitattributes`). A line that cannot be used is named and left out.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from harness.errors import HarnessError, UsageError
from harness.history.entry import SCHEMA, Entry
from harness.redaction.documents import without_secrets
from harness.run.directory import write_atomically
from harness.storage import files

SUFFIX = ".jsonl"
PAGE = "history.html"
_BESIDE = {".gitattributes": f"*{SUFFIX} merge=union\n", ".gitignore": f"/{PAGE}\n"}
_UNSAFE = re.compile(r"[^\w.-]+", re.ASCII)
_LONGEST_NAME = 80
_MARKERS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
_MOST_BYTES = 64 * files.MIB


@dataclasses.dataclass(frozen=True, slots=True)
class Ledger:
    """The usable lines in the order of their files, each once, and the complaints about the others."""

    entries: tuple[Entry, ...] = ()
    complaints: tuple[str, ...] = ()


class _Versioned(msgspec.Struct):
    schema: int


def group_of(entry: Entry) -> str:
    """Return the name of the file of an entry: that of the benchmark's own file; operations of a target share one."""
    file, colons, _ = entry.benchmark.partition("::")
    name = _UNSAFE.sub("_", file.removesuffix(".py")).strip("._")[-_LONGEST_NAME:] if colons else ""
    return f"{name or 'operations'}{SUFFIX}"


def read(folder: Path) -> Ledger:
    """Return the ledger in `folder`. Raises `UsageError` if there is no such folder, or no file of a ledger in it."""
    places = sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    if not places:
        raise UsageError(
            "There is no ledger",
            where=str(folder),
            remedy=f"Begin one: harness gate --history {folder}, or name its folder with --history",
        )
    entries: dict[tuple[str, str, str], Entry] = {}
    complaints: list[str] = []
    for place in places:
        for entry in _lines(place, complaints):
            entries.setdefault(entry.key, entry)
    return Ledger(tuple(entries.values()), tuple(complaints))


def extend(folder: Path, new: Iterable[Entry]) -> int:
    """Add the lines that the ledger lacks, and return their number. Lines that are there stay as they are."""
    groups: dict[str, list[Entry]] = {}
    for entry in new:
        groups.setdefault(group_of(entry), []).append(entry)
    added = 0
    for name, entries in groups.items():
        place = folder / name
        known = {entry.key for entry in _lines(place, [])} if place.exists() else set()
        fresh = [entry for entry in entries if entry.key not in known]
        if fresh:
            lines = b"".join(msgspec.json.encode(without_secrets(entry)) + b"\n" for entry in fresh)
            write_atomically(place, _ended(place) + lines)
        added += len(fresh)
    for name, text in _BESIDE.items():
        if groups and not (folder / name).exists():
            write_atomically(folder / name, text.encode())
    return added


def _ended(place: Path) -> bytes:
    """Return the content of a file whose last line is complete."""
    if not place.exists():
        return b""
    try:
        content = files.read_bytes(place, _MOST_BYTES)
    except OSError as error:
        raise _unreadable(place, error) from error
    return content if content.endswith(b"\n") or not content else content + b"\n"


def _lines(place: Path, complaints: list[str]) -> Iterator[Entry]:
    try:
        content = files.read_bytes(place, _MOST_BYTES)
    except OSError as error:
        raise _unreadable(place, error) from error
    for number, line in enumerate(content.split(b"\n"), 1):
        text = line.strip()
        if not text:
            continue
        if text.decode("utf-8", "replace").startswith(_MARKERS):
            complaints.append(
                f"{place.name}, line {number}: a mark of a merge conflict; the lines of both sides are read"
            )
            continue
        try:
            yield _decoded(text)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
            complaints.append(f"{place.name}, line {number} is left out: {error}")


def _decoded(text: bytes) -> Entry:
    schema = msgspec.json.decode(text, type=_Versioned).schema
    if schema != SCHEMA:
        raise ValueError(f"it has schema {schema}, and this harness reads schema {SCHEMA}")
    return without_secrets(msgspec.json.decode(text, type=Entry))


def _unreadable(place: Path, error: OSError) -> HarnessError:
    return HarnessError(
        f"A file of the ledger cannot be read: {error.strerror}",
        where=str(place),
        remedy="Restore it from its repository",
    )
