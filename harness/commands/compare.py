"""`harness compare`: two subjects side by side in one session, to a verdict."""

import argparse
import datetime as dt
from pathlib import Path

from harness.commands.options.asking import add_session_options, ask, read_policy
from harness.commands.publish import ReportFiles, report_files
from harness.commands.showing import session as session_show
from harness.console.console import Talk
from harness.errors import ExitCode, UsageError
from harness.judge import policy_file
from harness.judge.judge import judge
from harness.redaction.visible import typed
from harness.work.comparison import ComparisonRequest
from harness.work.sessions import Session, carry_out


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
    return conduct(
        ask(args, policy, args.base, args.candidate, project), talk, project, files=report_files(args)
    )


def conduct(
    asked: ComparisonRequest, talk: Talk, project: Path, *, files: ReportFiles, report_only: bool = False
) -> ExitCode:
    """Run the session, judge it and show what it found."""
    policy_file.refuse_expired(asked.policy, dt.datetime.now(dt.UTC).date())
    session = carry_out(asked, talk)
    _check_policy(asked, session)
    judgement = judge(session.receipt, asked.policy)
    code = session_show.present(
        judgement, session.receipt, session.folder.receipt_path, talk,
        policy=asked.policy, project=project, files=files,
    )  # fmt: skip
    return session_show.only_reported(code, talk) if report_only else code


def _check_policy(asked: ComparisonRequest, session: Session) -> None:
    """Refuse a policy with rules for nothing that was measured: it would hold without saying anything."""
    try:
        policy_file.check(asked.policy, session.receipt, dt.datetime.now(dt.UTC).date())
    except UsageError as error:
        again = typed("harness", "judge", str(session.folder.receipt_path), "--policy", "pyproject.toml")
        raise UsageError(
            error.what,
            where=error.where,
            remedy=f"{error.remedy}. What was measured is kept; then judge it: {again}",
        ) from error
