"""`harness gate`: compare the working tree with a base under the project's policy, for CI."""

import argparse
from pathlib import Path

from harness.commands.options.asking import add_select, add_session_options, ask, read_policy, say_target
from harness.commands.options.reporting import report_files
from harness.commands.options.shared import shard
from harness.commands.showing import history as history_show
from harness.commands.showing import index as show_index
from harness.commands.showing import listed as show_listed
from harness.commands.showing import session as session_show
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.work.comparison import shard_of
from harness.work.judging import compare
from harness.work.listed import listed_session
from harness.work.sides import gated_sides


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--base",
        metavar="REV",
        help="branch, tag or commit; the gate compares with the commit where this checkout left it (default: the policy's, or main)",
    )
    parser.add_argument(
        "--report-only",
        action="store_true",
        help="show the same verdicts but exit with 0, to try the gate out",
    )
    parser.add_argument(
        "--shard",
        type=shard,
        metavar="K/N",
        help="measure the K-th of N shares of the micro-benchmarks; 'harness judge' of all N receipts gives the verdict",
    )
    parser.add_argument(
        "--history",
        type=Path,
        metavar="DIR",
        help="also add the session to the ledger in this folder; 'harness history' shows it",
    )
    add_select(parser)
    show_listed.add_dry_run(parser)
    add_session_options(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    project, files = Path.cwd(), report_files(args)
    policy = read_policy(args, project)
    named = args.base or policy.base
    gated = gated_sides(project, named)
    if gated.where_it_left:
        talk.say(gated.where_it_left)
    sides = (gated.base, gated.candidate)
    asked = shard_of(ask(args, policy, gated.base.spec, "path:.", project, sides=sides), args.shard)
    say_target(asked, talk)
    if args.dry_run:
        return show_listed.present(listed_session(asked, talk), talk)
    judged = compare(asked, talk)
    code = session_show.present(judged, talk, project=project, files=files)
    show_index.refresh(args.out, talk)
    if args.history:
        history_show.add_gated(judged, args.history, project, talk)
    return session_show.only_reported(code, talk) if args.report_only else code
