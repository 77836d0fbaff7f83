"""Looking at the process table."""

import time
from collections.abc import Iterable
from pathlib import Path

SLEEP = ["sleep", "600"]
FAMILY = ["sh", "-c", "sleep 600 & echo grandchild $! >&2; wait"]


def wait_for(log: Path, word: str) -> str:
    """Return what a child wrote down, as soon as the word is in it."""
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        if log.exists() and word in (text := log.read_text()):
            return text
        time.sleep(0.01)
    raise AssertionError(f"{word!r} never appeared in {log}")


def grandchild_of(log: Path) -> int:
    """Return the process that a `FAMILY` started."""
    return int(wait_for(log, "grandchild").split()[1])


def is_alive(pid: int) -> bool:
    """True while the process runs; one that only waits to be reaped is dead."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in {"Z", "X"}


def survivors(pids: Iterable[int], patience_s: float = 10.0) -> set[int]:
    """Return those that are still alive after they had time to end; empty as soon as all are gone."""
    deadline_s = time.monotonic() + patience_s
    alive = {pid for pid in pids if is_alive(pid)}
    while alive and time.monotonic() < deadline_s:
        time.sleep(0.02)
        alive = {pid for pid in alive if is_alive(pid)}
    return alive


def descendants(pid: int) -> set[int]:
    """Return all processes below this one that are alive now."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(folder.name)] = int(fields[1])
    found, layer = set(), {pid}
    while layer:
        layer = {child for child, parent in parents.items() if parent in layer}
        found |= layer
    return {child for child in found if is_alive(child)}


def command_line(pid: int) -> bytes:
    """Return the words of a process, each ended by a null byte; nothing of one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
