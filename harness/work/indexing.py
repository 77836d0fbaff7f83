"""The work of `harness index`: read the folders of runs and sessions below a parent, those that changed since the last time."""

import contextlib
import re
from pathlib import Path

import msgspec

from harness.errors import HarnessError, UsageError
from harness.index.document import Entry, Index
from harness.index.reading import read_entry, stamp_of
from harness.run.directory import decode, write_document
from harness.storage.folder import PRODUCT, read_head

PAGE = "index.html"
CACHE = ".index.json"
_STAMP = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z-", re.ASCII)


def index_of(parent: Path) -> Index:
    """Return the entries of all folders of the harness directly below `parent`, the newest first.

    Raises `UsageError` if `parent` is not a folder.
    """
    if not parent.is_dir():
        raise UsageError(
            "There is no such folder",
            where=str(parent),
            remedy="Name a folder with runs or sessions, such as runs",
        )
    known = {entry.name: entry for entry in _cached(parent)}
    entries = [_entry(path, known.get(path.name)) for path in sorted(parent.iterdir()) if _is_ours(path)]
    return Index(entries=sorted(entries, key=lambda entry: (entry.started_at, entry.name), reverse=True))


def remember(parent: Path, index: Index) -> None:
    """Store the entries beside the page: the next index reads only what changed. Does nothing where that is impossible."""
    with contextlib.suppress(HarnessError):
        write_document(parent / CACHE, index)


def _cached(parent: Path) -> list[Entry]:
    try:
        return decode(parent / CACHE, Index).entries
    except HarnessError:
        return []


def _entry(path: Path, known: Entry | None) -> Entry:
    if known is not None and known.stamp == stamp_of(path):
        return known
    entry = read_entry(path)
    return entry if entry.started_at else msgspec.structs.replace(entry, started_at=_started(path.name))


def _started(name: str) -> str:
    """Return the time in the name of a folder of ours; empty for another name."""
    found = _STAMP.match(name)
    return "{}-{}-{}T{}:{}:{}+00:00".format(*found.groups()) if found else ""


def _is_ours(path: Path) -> bool:
    if path.is_symlink() or not path.is_dir() or path.name.startswith("."):
        return False
    head = read_head(path)
    return head is not None and (
        head.product == PRODUCT or (not head.product and _STAMP.match(path.name) is not None)
    )
