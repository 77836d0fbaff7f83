"""`harness judge`: judge a stored session again, or several together, offline."""

import argparse
from pathlib import Path

from harness.commands.options.reporting import add_no_report, report_files
from harness.commands.options.shared import add_out, add_verbose
from harness.commands.showing import session as session_show
from harness.commands.stored import reading
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.work.judging import judge_again


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "receipts",
        nargs="+",
        type=Path,
        metavar="RECEIPT",
        help="the record of a session (receipt.json), or the session's folder; several are judged together: all shards of a "
        "gate, or the same gate on several machines",
    )
    parser.add_argument(
        "--policy",
        type=Path,
        metavar="FILE",
        help="judge under this policy (default: the policy in the receipt)",
    )
    parser.add_argument("--strict", action="store_true", help="exit with 4 if a result is inconclusive")
    add_out(parser, "folder of an answer on several receipts")
    add_no_report(parser, "harness judge")
    add_verbose(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    with reading(args.receipts):
        judged = judge_again(args.receipts, args.policy, strict=args.strict, out=args.out)
        return session_show.present(judged, talk, project=Path.cwd(), files=report_files(args))
