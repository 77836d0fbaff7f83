"""A history to a person, a program and an exit code: page, terminal, CSV, JSON."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.commands.showing.publish import text_or_none
from harness.console.console import Talk
from harness.errors import ExitCode, HarnessError
from harness.history.document import History, as_json, exit_code
from harness.history.ledger import PAGE
from harness.history.table import as_csv
from harness.judge import policy_file
from harness.redaction.documents import without_secrets
from harness.run.directory import write_atomically
from harness.work.judging import JudgedSession
from harness.work.keeping import Added, add, anchor_due, history_of


def present(
    history: History, args: argparse.Namespace, folder: Path, talk: Talk, *, is_check: bool
) -> ExitCode:
    """Write the page and the CSV, print text or JSON, and return what the process should say."""
    from reports.history.html import render_html
    from reports.history.text import print_brief_text, print_text
    from reports.history.view import build

    history = without_secrets(history)
    view = build(history, due=anchor_due(history, folder, policy_file.history(Path.cwd())))
    page = None if args.no_report else args.output or folder / PAGE
    if page is not None:
        write_atomically(page, render_html(view).encode("utf-8", "replace"))
    if args.csv is not None:
        write_atomically(args.csv, as_csv(history).encode("utf-8", "replace"))
    show = print_text if talk.is_verbose else print_brief_text
    show(view, talk.people, talk.console.width)
    code = exit_code(history, strict=getattr(args, "strict", False)) if is_check else ExitCode.OK
    if talk.as_json:
        talk.document(
            {
                **as_json(history),
                "report": text_or_none(page),
                "sentence": view.sentence,
                "exit_code": int(code),
            }
        )
    if page is not None:
        talk.say(f"Report: {page}")
    return code


def say_added(added: Sequence[Added], folder: Path, talk: Talk) -> None:
    """Say how many lines each session added, and why its times were left out."""
    for one in added:
        lines = f"{one.lines} lines" if one.lines != 1 else "1 line"
        known = "" if one.lines else " (it is in the ledger already, or compared nothing)"
        talk.say(f"History: {lines} added to {folder} from {one.place}{known}.")
        if one.withheld:
            talk.say(f"History: its times were not added: {one.withheld}.")


def add_gated(judged: JudgedSession, folder: Path, project: Path, talk: Talk) -> None:
    """Add the session of a gate to a ledger, and say if an anchor is due. What cannot be added is said, and changes no verdict."""
    try:
        say_added([add(judged.receipt_path, folder, project)], folder, talk)
        rules = policy_file.history(project)
        if due := anchor_due(history_of(folder, project, rules), folder, rules):
            talk.say(f"History: {due}")
    except HarnessError as error:
        talk.say(f"History: not added: {error}")


def added_document(
    added: Sequence[Added], failures: Sequence[tuple[Path, HarnessError]], folder: Path
) -> dict[str, Any]:
    """Return the JSON document of `harness history add`."""
    return {
        "schema": 1,
        "history": str(folder),
        "added": [{"receipt": str(one.place), "lines": one.lines, "withheld": one.withheld} for one in added],
        "failed": [{"receipt": str(place), "error": str(error)} for place, error in failures],
    }
