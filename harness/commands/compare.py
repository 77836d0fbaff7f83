"""`harness compare`: measure two sides in one session and reach a verdict."""

import argparse
from pathlib import Path

from harness.commands.options.asking import add_select, add_session_options, ask, read_policy, say_target
from harness.commands.options.reporting import report_files
from harness.commands.showing import index as show_index
from harness.commands.showing import listed as show_listed
from harness.commands.showing import session as session_show
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.work.judging import compare
from harness.work.listed import listed_session


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    forms = "git:REVISION, path:CHECKOUT, variant:NAME or target:SPEC"
    parser.add_argument("base", metavar="BASE", help=f"the side to compare with: {forms}")
    parser.add_argument("candidate", metavar="CANDIDATE", help=f"the side to judge: {forms}")
    add_select(parser)
    show_listed.add_dry_run(parser)
    add_session_options(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    project = Path.cwd()
    policy = read_policy(args, project)
    files = report_files(args)
    asked = ask(args, policy, args.base, args.candidate, project)
    say_target(asked, talk)
    if args.dry_run:
        return show_listed.present(listed_session(asked, talk), talk)
    judged = compare(asked, talk)
    code = session_show.present(judged, talk, project=project, files=files)
    show_index.refresh(args.out, talk)
    return code
