"""Private temporary folders: created, locked while their owner lives, removed at the end, and swept after a SIGKILL.

A folder carries a lock on itself, which the kernel releases at any end of its owner. A sweep tries the lock of each
existing folder: a process that gets it may remove the folder, and an owner that fails to get it makes another folder.
"""

import contextlib
import fcntl
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from harness.errors import HarnessError

PREFIX = "asset-harness-private-"
_OURS = re.compile(rf"{PREFIX}[a-z0-9_]{{8}}")
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_SESSION = re.compile(r"harness-session-[a-z0-9_]{8}")
"""Folders of earlier versions, locked by the file `lock` inside."""
_SERVERS = re.compile(r"asset-harness-[a-z0-9_]{8}")
"""Folders of earlier versions, without a lock; they contain only a folder for each of three servers."""
_SERVER_FOLDERS = frozenset("012")
_OLD_S = 24 * 3600.0


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Yield an empty folder that only its owner can read; it is removed afterwards in any case.

    Raises HarnessError if the temporary folder is not writable.
    """
    sweep()
    try:
        folder, held = _make()
    except OSError as error:
        raise HarnessError(
            f"A temporary folder cannot be made: {error.strerror}",
            where=tempfile.tempdir or "",
            remedy="Free some disk, or name another place in TMPDIR",
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def sweep() -> list[Path]:
    """Remove the folders of ended owners, and return them. Raises nothing; takes about 0.1 ms where there are none."""
    try:
        parent = tempfile.gettempdir()
        with os.scandir(parent) as entries:
            names = [entry.name for entry in entries if "harness-" in entry.name]
    except OSError:
        return []
    return [Path(parent, name) for name in names if _remove_if_abandoned(Path(parent, name))]


def _make() -> tuple[Path, int]:
    """Return a new folder and the file descriptor that holds its lock."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
        try:
            held = os.open(folder, _FLAGS)
        except FileNotFoundError:
            continue
        if _lock(held) is not False and folder.exists():
            return folder, held
        # A sweep has taken the lock first.
        os.close(held)


def _remove_if_abandoned(folder: Path) -> bool:
    try:
        opened = os.open(folder, _FLAGS)
    except OSError:
        return False
    try:
        is_abandoned = _is_private(opened) and _is_abandoned(folder, opened)
        if is_abandoned:
            # By its path again, which is safe: only its owner can replace it, and no link is followed.
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return False
    else:
        return is_abandoned
    finally:
        os.close(opened)


def _is_private(opened: int) -> bool:
    facts = os.fstat(opened)
    return facts.st_uid == os.geteuid() and stat.S_IMODE(facts.st_mode) == stat.S_IRWXU


def _is_abandoned(folder: Path, opened: int) -> bool:
    if _OURS.fullmatch(folder.name):
        return _lock(opened) is True
    if _SESSION.fullmatch(folder.name):
        return _has_free_lock_file(opened)
    return bool(_SERVERS.fullmatch(folder.name)) and _is_of_dead_servers(folder, opened)


def _lock(descriptor: int) -> bool | None:
    """Take the lock; return False if another process holds it, None where the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _has_free_lock_file(opened: int) -> bool:
    descriptor = os.open("lock", os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=opened)
    try:
        return _lock(descriptor) is True
    finally:
        os.close(descriptor)


def _is_of_dead_servers(folder: Path, opened: int) -> bool:
    """Return True if it is a day old, holds only leftovers of servers, and no process works in it."""
    inside = os.listdir(opened)
    if not inside or not _SERVER_FOLDERS.issuperset(inside):
        return False
    newest_s = max(os.stat(name, dir_fd=opened, follow_symlinks=False).st_mtime for name in inside)
    return time.time() - newest_s > _OLD_S and not any(place.is_relative_to(folder) for place in _in_use())


def _in_use() -> Iterator[Path]:
    """Yield the current folders of all processes of this user."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield (process / "cwd").readlink()
