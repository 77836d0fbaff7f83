"""List the files of installed copies of the project: a measured package must not be loaded from them."""

import csv
import importlib.metadata
import os
import sys
from collections.abc import Collection
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

_CODE = (".py", *EXTENSION_SUFFIXES)


def installed_copies(roots: Collection[str], python: str = sys.executable) -> list[str]:
    """Return the code files, links followed, of each installed distribution that has files of one of the roots."""
    inside = tuple(
        part for root in roots for part in (f"{root.replace('.', '/')}/", f"{root.replace('.', '/')}.")
    )
    found: list[str] = []
    for distribution in importlib.metadata.distributions(path=_folders(python)):
        record = distribution.read_text("RECORD")
        if record is None or not any(f"\n{start}" in f"\n{record}" for start in inside):
            continue
        names = [row[0] for row in csv.reader(record.splitlines()) if row and row[0].endswith(_CODE)]
        # The finder of an editable install is not a copy.
        names = [name for name in names if "editable" not in name.partition("/")[0]]
        found += [os.path.realpath(str(distribution.locate_file(name))) for name in names]
    return found


def _folders(python: str) -> list[str]:
    if python == sys.executable:
        return sys.path
    return [str(place) for place in (Path(python).parent.parent / "lib").glob("python*/site-packages")]
