"""`harness index`: one page over all runs and sessions of a folder."""

import argparse
from pathlib import Path

from harness.commands.showing import index as show
from harness.console.console import Talk
from harness.errors import ExitCode

EPILOG = "Where the page exists, 'run', 'gate' and 'compare' write it anew as they finish, and 'clean' after it removed something."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path("runs"),
        metavar="DIR",
        help="folder with runs and sessions (default runs)",
    )


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    return show.present(args.folder, talk)
