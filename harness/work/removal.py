"""The work of `harness clean`: choose stored runs by age and size, and remove them."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.console.console import Talk
from harness.work.retention import StoredRun


def choose(runs: list[StoredRun], oldest_s: float, most_bytes: int) -> list[StoredRun]:
    """Return the runs to remove: those older than `oldest_s`, and all from the first that exceeds `most_bytes`."""
    kept_bytes, doomed = 0, []
    for stored in runs:
        kept_bytes += stored.size_bytes
        if stored.modified_s < oldest_s or kept_bytes > most_bytes:
            doomed.append(stored)
    return doomed


def remove(doomed: Sequence[StoredRun], talk: Talk, *, dry_run: bool) -> Iterator[tuple[Path, str]]:
    """Remove the folders (with `dry_run` only name them); yield those that cannot be removed, with the reason."""
    for stored in doomed:
        try:
            if not dry_run:
                shutil.rmtree(stored.path)
        except OSError as error:
            yield stored.path, f"it cannot be removed: {error.strerror}"
        else:
            talk.say(f"{'Would remove' if dry_run else 'Removed'} {stored.path}")
