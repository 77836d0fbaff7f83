"""`harness history`: keep the paired effects of sessions in a ledger, and show what became of each benchmark over time."""

import argparse
from pathlib import Path

from harness.commands.options.asking import add_session_options, ask, read_policy, say_target
from harness.commands.options.reporting import report_files
from harness.commands.showing import history as show
from harness.commands.showing import session as session_show
from harness.console.console import Talk
from harness.errors import ExitCode, HarnessError, UsageError, worst
from harness.history.entry import Link
from harness.judge import policy_file
from harness.policy.history import HistoryRules
from harness.work.anchoring import anchored_sides
from harness.work.judging import compare
from harness.work.keeping import Added, Question, add, folder_of, history_of

EPILOG = (
    "Without a verb: show the history. 'harness gate --history DIR' adds its sessions by itself. The settings are in "
    "[tool.harness.history]: folder, reference, allow-percent, machines, renamed."
)
_VERBS = {
    "add": "add sessions to the ledger",
    "show": "show each benchmark's course since the reference",
    "anchor": "measure HEAD against the reference, and tie the chain to it",
    "check": "exit with 3 if a benchmark grew by more than allowed since the reference",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs and their options."""
    parser.epilog = EPILOG
    _of_ledger(parser, None)
    _of_showing(parser, None)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=False)
    made = {
        name: verbs.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        for name, summary in _VERBS.items()
    }
    made["add"].add_argument(
        "receipts",
        nargs="+",
        type=Path,
        metavar="RECEIPT",
        help="the record of a session (receipt.json), or the session's folder",
    )
    made["add"].add_argument(
        "--anchor", action="store_true", help="the sessions are measurements against the reference"
    )
    made["anchor"].add_argument(
        "reference",
        nargs="?",
        metavar="REF",
        help="revision to measure against (default: the reference of the settings)",
    )
    add_session_options(made["anchor"])
    for name in ("show", "check"):
        _of_showing(made[name], argparse.SUPPRESS)
    made["check"].add_argument(
        "--strict", action="store_true", help="exit with 4 if the interval of a growth holds the allowed one"
    )
    for one in made.values():
        _of_ledger(one, argparse.SUPPRESS)
        one.add_argument(
            "--json",
            action="store_true",
            default=argparse.SUPPRESS,
            help="one JSON document on stdout, text on stderr",
        )


def _of_ledger(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--history",
        type=Path,
        metavar="DIR",
        default=default,
        help="folder of the ledger (default: that of the settings, or performance-history)",
    )


def _of_showing(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--benchmark", action="append", metavar="SELECT", default=default if default is not None else [],
        help="only benchmarks of this name, part of a name, or glob; may be given several times",
    )  # fmt: skip
    parser.add_argument(
        "--since",
        metavar="REV",
        default=default,
        help="count growth from this revision, or from a day such as 2026-01-31",
    )
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        default=default,
        help="also write a line for each state of each course as CSV",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        default=default,
        help="place of the page (default: history.html in the ledger's folder)",
    )
    parser.add_argument(
        "--no-report",
        action="store_true",
        default=default if default is not None else False,
        help="make no HTML page",
    )
    parser.add_argument(
        "--verbose",
        action="store_true",
        default=default if default is not None else False,
        help="print every course",
    )


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    project = Path.cwd()
    rules = policy_file.history(project)
    folder = folder_of(args.history, rules)
    if args.verb == "add":
        return _add(args, folder, project, talk)
    if args.verb == "anchor":
        return _anchor(args, folder, project, rules, talk)
    history = history_of(folder, project, rules, Question(tuple(args.benchmark), args.since))
    return show.present(history, args, folder, talk, is_check=args.verb == "check")


def _add(args: argparse.Namespace, folder: Path, project: Path, talk: Talk) -> ExitCode:
    link = Link.ANCHOR if args.anchor else Link.STEP
    added: list[Added] = []
    failures: list[tuple[Path, HarnessError]] = []
    for place in args.receipts:
        try:
            added.append(add(place, folder, project, link))
        except HarnessError as error:
            failures.append((place, error))
    show.say_added(added, folder, talk)
    for _, failure in failures:
        talk.say(f"harness: {failure}")
    if talk.as_json:
        talk.document(show.added_document(added, failures, folder))
    return worst(failure.exit_code for _, failure in failures)


def _anchor(
    args: argparse.Namespace, folder: Path, project: Path, rules: HistoryRules, talk: Talk
) -> ExitCode:
    policy, files = read_policy(args, project), report_files(args)
    sides = anchored_sides(project, args.reference, rules, _first(folder, project, rules))
    asked = ask(args, policy, sides[0].spec, sides[1].spec, project, sides=sides)
    say_target(asked, talk)
    judged = compare(asked, talk)
    code = session_show.present(judged, talk, project=project, files=files)
    show.say_added([add(judged.receipt_path, folder, project, Link.ANCHOR)], folder, talk)
    # Growth since the reference is no regression of this session: `history check` knows what is allowed.
    return ExitCode.OK if code is ExitCode.LIMIT_BROKEN else code


def _first(folder: Path, project: Path, rules: HistoryRules) -> str:
    """Return the commit at which the courses of the ledger start; that of HEAD without any, which cannot be an anchor."""
    try:
        history = history_of(folder, project, rules)
    except UsageError:
        return "HEAD"
    return next((course.since for course in history.courses), "HEAD")
