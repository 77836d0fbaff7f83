"""A finished session to a person, a program and an exit code: report, comment, JUnit, annotations, JSON."""

import os
from pathlib import Path

from harness.calibrate.card import Card, read_card, same_machine
from harness.calibrate.digest import gate_digest
from harness.calibrate.shelf import card_file
from harness.commands.showing.cards import facts_of
from harness.commands.showing.publish import ALL, ReportFiles, say_unmade, text_or_none
from harness.console.console import Talk
from harness.errors import ExitCode, HarnessError
from harness.judge.document import as_json
from harness.policy.policy import Policy
from harness.redaction.documents import without_secrets
from harness.session.receipt import Receipt
from harness.work.judging import JudgedSession


def present(judged: JudgedSession, talk: Talk, *, project: Path, files: ReportFiles = ALL) -> ExitCode:
    """Write the files beside the receipt, print text or JSON, and return what the process should say."""
    from reports.session.annotations import is_wanted, render_annotations
    from reports.session.files import REPORT, write_all
    from reports.session.model import Links
    from reports.session.text import print_brief_text, print_text
    from reports.session.view import build

    judgement, receipt = without_secrets(judged.judgement), without_secrets(judged.receipt)
    receipt_path, policy = judged.receipt_path, judged.policy
    card = card_for(receipt, policy, project, talk)
    report = judged.place / REPORT if files.wanted else None
    view = build(
        judgement,
        receipt,
        Links(str(receipt_path), text_or_none(report), tuple(map(str, judged.others))),
        card=facts_of(card, receipt.environment) if card else None,
        strict=policy.strict,
    )
    written = write_all(view, judged.place, judgement)
    _summarise(written.comment, talk)
    show = print_text if talk.is_verbose else print_brief_text
    show(view, talk.people, talk.console.width)
    if is_wanted(os.environ):
        talk.people.write(render_annotations(view))
        talk.people.flush()
    if talk.as_json:
        path, others = str(receipt_path), [*map(str, judged.others)]
        talk.document(as_json(judgement, text_or_none(report), path, receipt.measured, others))
    if report:
        talk.say(f"Report: {report}")
    else:
        say_unmade(talk, "harness", "judge", *map(str, judged.receipts))
    return judgement.exit_code


def _summarise(comment: Path, talk: Talk) -> None:
    """Add the comment to the summary of a GitHub job, where there is one; a failure changes no verdict."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return
    try:
        with Path(summary).open("ab") as file:
            file.write(comment.read_bytes())
    except OSError as error:
        talk.say(f"harness: The summary of this job cannot be written: {error.strerror}")


def only_reported(code: ExitCode, talk: Talk) -> ExitCode:
    """Return success in place of a verdict's code, for adoption, and say so; what was interrupted still says so."""
    if code in {ExitCode.OK, ExitCode.INTERRUPTED}:
        return code
    talk.say(f"Only reported: without --report-only this would end with exit code {int(code)}.")
    return ExitCode.OK


def card_for(receipt: Receipt, policy: Policy, project: Path, talk: Talk) -> Card | None:
    """Return the calibration card of this machine and of this state of the gate's code, if the project keeps one."""
    if policy.card is None or not (project / policy.card).exists():
        return None
    try:
        path = card_file(project / policy.card, receipt.environment)
        card = read_card(path) if path.exists() else None
    except HarnessError as error:
        talk.say(f"harness: {error}")
        return None
    if card is None or not same_machine(card.environment, receipt.environment):
        return None
    return card if card.gate == gate_digest() else None
