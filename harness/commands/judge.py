"""`harness judge`: a stored session again, offline."""

import argparse
from pathlib import Path

from harness.commands.publish import add_no_report, report_files
from harness.commands.showing import session as session_show
from harness.commands.stored import reading
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.work.judging import judge_again


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "receipt", type=Path, metavar="RECEIPT", help="receipt.json, or the folder of a session"
    )
    parser.add_argument(
        "--policy",
        type=Path,
        metavar="FILE",
        help="judge under this policy (default: the one in the receipt)",
    )
    parser.add_argument("--strict", action="store_true", help="fail (4) on what is inconclusive")
    add_no_report(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    with reading([args.receipt]):
        judged = judge_again(args.receipt, args.policy, strict=args.strict)
        return session_show.present(judged, talk, project=Path.cwd(), files=report_files(args))
