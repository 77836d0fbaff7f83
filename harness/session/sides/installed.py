"""List the files of installed copies of the project: a measured package must not be loaded from them."""

import csv
import importlib.metadata
import json
import os
import sys
import urllib.parse
from collections.abc import Collection, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

_CODE = (".py", *EXTENSION_SUFFIXES)


def installed_copies(roots: Collection[str], python: str = sys.executable) -> list[str]:
    """Return the code files, links followed, of each installed distribution that has files of one of the roots."""
    inside = tuple(
        part for root in roots for part in (f"{root.replace('.', '/')}/", f"{root.replace('.', '/')}.")
    )
    tops = {root.partition(".")[0] for root in roots}
    found: list[str] = []
    for distribution in importlib.metadata.distributions(path=_folders(python)):
        record = distribution.read_text("RECORD")
        if record is not None and any(f"\n{start}" in f"\n{record}" for start in inside):
            found += _recorded(distribution, record)
        elif record is None and not tops.isdisjoint(names := _top_level(distribution)):
            found += (file for name in names for file in _below(Path(str(distribution.locate_file(name)))))
    return found


def installed_from(checkouts: Collection[str], python: str = sys.executable) -> list[str]:
    """Return the code files of each distribution that was installed from one of these folders, or from a folder in it.

    They are code of the project too, such as a second package of its repository, whatever their names are.
    """
    found: list[str] = []
    for distribution in importlib.metadata.distributions(path=_folders(python)):
        place = _source(distribution)
        record = distribution.read_text("RECORD") if place else None
        if place and record and any(Path(place).is_relative_to(checkout) for checkout in checkouts):
            found += _recorded(distribution, record)
    return found


def _recorded(distribution: importlib.metadata.Distribution, record: str) -> Iterator[str]:
    names = [row[0] for row in csv.reader(record.splitlines()) if row and row[0].endswith(_CODE)]
    # The finder of an editable install is not a copy.
    names = [name for name in names if "editable" not in name.partition("/")[0]]
    return (os.path.realpath(str(distribution.locate_file(name))) for name in names)


def _top_level(distribution: importlib.metadata.Distribution) -> list[str]:
    """Return the packages and modules of a distribution without a record, as those of Debian and `setup.py install` are."""
    return (distribution.read_text("top_level.txt") or "").split()


def _below(place: Path) -> Iterator[str]:
    """Yield the code files of a package or module by its path without a suffix."""
    for path in (place, *place.parent.glob(f"{place.name}.*")):
        files = path.rglob("*") if path.is_dir() else [path]
        yield from (os.path.realpath(file) for file in files if file.name.endswith(_CODE))


def _source(distribution: importlib.metadata.Distribution) -> str:
    """Return the folder that a distribution was installed from; empty for one from elsewhere."""
    try:
        url = json.loads(distribution.read_text("direct_url.json") or "{}").get("url", "")
    except (ValueError, AttributeError):
        return ""
    if not isinstance(url, str) or not url.startswith("file:"):
        return ""
    return os.path.realpath(urllib.parse.unquote(urllib.parse.urlsplit(url).path))


def _folders(python: str) -> list[str]:
    if python == sys.executable:
        return sys.path
    return [str(place) for place in (Path(python).parent.parent / "lib").glob("python*/site-packages")]
