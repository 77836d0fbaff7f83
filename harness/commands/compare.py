"""`harness compare`: two subjects side by side in one session, to a verdict."""

import argparse
import datetime as dt
from pathlib import Path

from harness.commands import session_show
from harness.commands.asking import add_session_options, ask, read_policy
from harness.commands.console import Talk
from harness.commands.sessions import Asked, carry_out
from harness.errors import ExitCode
from harness.judge.judge import judge
from harness.policy_file import refuse_expired

NAME = "compare"
HELP = "compare two subjects, live, in blocks and random order, to a verdict"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    forms = "git:REVISION, path:CHECKOUT, variant:NAME or target:SPEC"
    parser.add_argument("base", metavar="BASE", help=forms)
    parser.add_argument("candidate", metavar="CANDIDATE", help=forms)
    add_session_options(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    project = Path.cwd()
    policy = read_policy(args, project)
    return conduct(ask(args, policy, args.base, args.candidate, project), talk, project)


def conduct(asked: Asked, talk: Talk, project: Path, *, report_only: bool = False) -> ExitCode:
    """Run the session, judge it and show what it found."""
    refuse_expired(asked.policy, dt.datetime.now(dt.UTC).date())
    session = carry_out(asked, talk)
    judgement = judge(session.receipt, asked.policy)
    return session_show.present(
        judgement, session.receipt, session.folder.receipt_path, talk,
        policy=asked.policy, project=project, report_only=report_only,
    )  # fmt: skip
