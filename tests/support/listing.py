"""Folders that must not be written: everything in them, before and after."""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path


def listing(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return {path: (time of change, size, hash)} of everything in a folder, the folders themselves too."""
    found = {}
    for path in sorted([folder, *folder.rglob("*")]):
        facts = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(folder))] = (facts.st_mtime_ns, facts.st_size, content)
    return found


@contextlib.contextmanager
def unwritten(folder: Path) -> Iterator[None]:
    """Fail if the block changes anything in the folder."""
    before = listing(folder)
    yield
    after = listing(folder)
    assert {name for name in {*before, *after} if before.get(name) != after.get(name)} == set()
