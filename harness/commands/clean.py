"""`harness clean`: remove runs and sessions by age and total size, oldest first."""

import argparse
import time
from pathlib import Path

from harness.commands.options.shared import positive_int, span_s
from harness.commands.showing import index as show_index
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.units import format_bytes
from harness.work.removal import choose, remove
from harness.work.retention import find

EPILOG = (
    "Removes folders of runs, searches and sessions that the harness made and that hold only its files. Keeps and names a "
    "folder whose run.json cannot be read or that holds a file of another origin. Does not follow symbolic links."
)
_MIB = 2**20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs"),
        metavar="DIR",
        help="folder with the run directories (default runs)",
    )
    parser.add_argument(
        "--older-than",
        type=span_s,
        default=14 * 86_400.0,
        metavar="D",
        help="remove what is older than this (default 336h)",
    )
    parser.add_argument(
        "--keep-mib",
        type=positive_int,
        default=2_000,
        metavar="N",
        help="of the rest, keep the newest up to this total size in MiB (default 2000)",
    )
    parser.add_argument("--dry-run", action="store_true", help="only list what would be removed")


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    found = find(args.out)
    doomed = choose(found.runs, time.time() - args.older_than, args.keep_mib * _MIB)
    kept = dict(remove(doomed, talk, dry_run=args.dry_run))
    removed = [stored for stored in doomed if stored.path not in kept]
    left = [*found.left, *kept.items()]
    for path, reason in left:
        talk.say(f"Left {path}: {reason}")
    if removed and not args.dry_run:
        show_index.refresh(args.out, talk)
    freed = sum(stored.size_bytes for stored in removed)
    talk.say(f"{len(removed)} of {len(found.runs)} runs, {format_bytes(freed)}")
    if talk.as_json:
        talk.document(
            {"schema": 1, "removed": [str(stored.path) for stored in removed], "freed_bytes": freed,
             "dry_run": args.dry_run, "left": [{"dir": str(path), "reason": reason} for path, reason in left]}
        )  # fmt: skip
    return ExitCode.FAILED if kept else ExitCode.OK
