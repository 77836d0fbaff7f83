"""`harness clean`: retention of run directories, by age and by size, newest kept first."""

import argparse
import dataclasses
import shutil
import time
from pathlib import Path

from harness.capacity.document import PROBES
from harness.commands.console import Talk
from harness.commands.options import positive_int, span_s
from harness.errors import ExitCode, InvalidRunError
from harness.profiles.profilerun import FILES
from harness.run import RunDirectory
from harness.units import format_bytes

_MIB = 2**20
_LONGEST_RUN_S = 86_400.0


@dataclasses.dataclass(frozen=True, slots=True)
class StoredRun:
    """A run directory with what decides about it."""

    path: Path
    modified_s: float
    size_bytes: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--out", type=Path, default=Path("runs"), metavar="DIR", help="the parent to clean")
    parser.add_argument("--older-than", type=span_s, default=14 * 86_400.0, metavar="D", help="default 336h")
    parser.add_argument("--keep-mib", type=positive_int, default=2_000, metavar="N", help="default 2000")
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    runs = find(args.out)
    doomed = choose(runs, time.time() - args.older_than, args.keep_mib * _MIB)
    for stored in doomed:
        if not args.dry_run:
            shutil.rmtree(stored.path)
        talk.say(f"{'Would remove' if args.dry_run else 'Removed'} {stored.path}")
    freed = sum(stored.size_bytes for stored in doomed)
    talk.say(f"{len(doomed)} of {len(runs)} runs, {format_bytes(freed)}")
    if talk.as_json:
        talk.document(
            {"schema": 1, "removed": [str(stored.path) for stored in doomed], "freed_bytes": freed,
             "dry_run": args.dry_run}
        )  # fmt: skip
    return ExitCode.OK


def find(parent: Path) -> list[StoredRun]:
    """Return the finished runs directly under `parent`, newest first; nothing else there is touched.

    A run that says it is running is one, until a day has passed without its end.
    """
    if not parent.is_dir():
        return []
    runs = [
        StoredRun(
            path,
            (path / "run.json").stat().st_mtime,
            sum(file.stat().st_blocks * 512 for file in path.rglob("*") if file.is_file()),
        )
        for path in parent.iterdir()
        if not path.is_symlink()
        and (path / "run.json").is_file()
        and any((path / name).is_dir() for name in ("timing", PROBES, *FILES))
        and not _is_running(path)
    ]
    return sorted(runs, key=lambda stored: stored.modified_s, reverse=True)


def _is_running(path: Path) -> bool:
    try:
        head = RunDirectory(path).read_head()
    except InvalidRunError:
        return False
    return head.status == "running" and time.time() - (path / "run.json").stat().st_mtime < _LONGEST_RUN_S


def choose(runs: list[StoredRun], oldest_s: float, most_bytes: int) -> list[StoredRun]:
    """Return the runs to remove: those older than `oldest_s`, and from the first that exceeds `most_bytes` on."""
    kept_bytes, doomed = 0, []
    for stored in runs:
        kept_bytes += stored.size_bytes
        if stored.modified_s < oldest_s or kept_bytes > most_bytes:
            doomed.append(stored)
    return doomed
