"""The private folder of a session: made, locked while the session lives, removed at its end.

What a session left that was killed is removed by the next one: its folder is there, and nobody holds its lock.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.errors import HarnessError

_PREFIX = "harness-session-"
_LOCK = "lock"


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Yield an empty folder of this session alone; it is gone afterwards, whatever happens.

    Raises HarnessError if the temporary folder cannot be written to.
    """
    remove_abandoned(Path(tempfile.gettempdir()))
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
        lock = _hold(folder)
    except OSError as error:
        raise HarnessError(
            f"The session's folder cannot be made: {error.strerror}",
            where=tempfile.gettempdir(),
            remedy="Free some disk, or name another place in TMPDIR",
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_abandoned(parent: Path) -> list[Path]:
    """Remove the folders of sessions that live no more, and return them."""
    return [folder for folder in parent.glob(f"{_PREFIX}*") if _remove_if_abandoned(folder)]


def _hold(folder: Path) -> int:
    """Make the lock under another name first: one that nobody holds would be taken for abandoned."""
    scratch = folder / "lock.new"
    descriptor = os.open(scratch, os.O_CREAT | os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    scratch.rename(folder / _LOCK)
    return descriptor


def _remove_if_abandoned(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return _empty_and_remove(folder)
    finally:
        os.close(descriptor)


def _empty_and_remove(folder: Path) -> bool:
    """Remove the lock last: what a child of the killed session still writes is left for the next sweep to find."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != _LOCK:
            path.unlink(missing_ok=True)
    if [path.name for path in folder.iterdir()] != [_LOCK]:
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return True
