"""`harness gate`: the working tree against a base, under the project's policy, made for CI."""

import argparse
from pathlib import Path

from harness.commands.compare import conduct
from harness.commands.options.asking import add_session_options, ask, read_policy
from harness.commands.publish import report_files
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.session import git
from harness.session.subjects import TreeSide, working_tree


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--base",
        metavar="REV",
        help="a branch, tag or commit; the gate compares with where this checkout left it",
    )
    parser.add_argument(
        "--report-only", action="store_true", help="the same verdicts, and exit code 0: to get used to it"
    )
    add_session_options(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    project = Path.cwd()
    policy = read_policy(args, project)
    named = args.base or policy.base
    tip = git.resolve(project, named)
    base = git.merge_base(project, tip, named)
    if base != tip:
        talk.say(f"Base: {base[:12]}, where this checkout left {named} ({tip[:12]}).")
    sides = (TreeSide(f"git:{base}", project, base, f"{named} ({base[:12]})"), working_tree(project))
    asked = ask(args, policy, f"git:{base}", "path:.", project, sides=sides)
    return conduct(asked, talk, project, files=report_files(args), report_only=args.report_only)
