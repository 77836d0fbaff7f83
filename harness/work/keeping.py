"""The work of `harness history`, and of `gate --history`: add sessions to a ledger, and read it with what git knows."""

import dataclasses
import re
from pathlib import Path

import msgspec

from harness.errors import InvalidRunError, UsageError
from harness.history import due, ledger, states
from harness.history.courses import Around, build
from harness.history.document import History
from harness.history.entry import Link, State
from harness.history.ledger import Ledger
from harness.history.making import entries_of, sides_of, withheld
from harness.history.order import ordered_commits
from harness.judge import policy_file
from harness.judge.judge import judge
from harness.judge.verdict import Judgement, Verdict
from harness.micro.choosing import is_chosen
from harness.policy.history import HistoryRules
from harness.policy.policy import Policy
from harness.redaction.visible import typed
from harness.session.receipt import Receipt
from harness.session.receipt_file import read_receipt
from harness.session.sides import git

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class Added:
    """The result of adding one session: the number of new lines, and why its times were left out."""

    place: Path
    lines: int
    withheld: str = ""


def add(place: Path, folder: Path, project: Path, link: Link = Link.STEP) -> Added:
    """Add the session of a receipt, or of a session's folder, to the ledger in `folder`, judged under its own policy.

    Raises `UsageError` for sides that are no commits, `InvalidRunError` for a session that is no evidence.
    """
    receipt = read_receipt(place)
    return add_judged(place, receipt, judge(receipt, _policy(receipt)), folder, project, link)


def add_judged(
    place: Path, receipt: Receipt, judgement: Judgement, folder: Path, project: Path, link: Link = Link.STEP
) -> Added:
    """Add a judged session. Raises as `add`."""
    if judgement.verdict is Verdict.INVALID and not any(
        one.verdict is not Verdict.INVALID for one in judgement.comparisons
    ):
        raise InvalidRunError(
            f"The session is not valid: {next(iter(judgement.reasons), 'nothing was compared')}",
            where=str(place),
            remedy="Measure again: an invalid session is no part of a history",
        )
    try:
        sides = sides_of(receipt, project)
    except UsageError as error:
        raise UsageError(error.what, where=str(place), remedy=error.remedy) from error
    found = entries_of(receipt, judgement, sides, link)
    return Added(place, ledger.extend(folder, found), withheld(judgement))


def _policy(receipt: Receipt) -> Policy:
    return policy_file.from_table(receipt.policy, where="the receipt's policy")


def folder_of(given: Path | None, rules: HistoryRules) -> Path:
    """Return the folder of the ledger: the one that was given, or the one of the settings."""
    return given or Path(rules.folder)


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """The wanted part of a history: benchmarks by words, and the start of its courses in place of the reference."""

    benchmarks: tuple[str, ...] = ()
    since: str | None = None


def history_of(folder: Path, project: Path, rules: HistoryRules, asked: Question | None = None) -> History:
    """Return the history of the ledger in `folder`. Raises `UsageError` without one, or for a start that is unknown."""
    asked = asked or Question()
    found = ledger.read(folder)
    complaints = list(found.complaints)
    reference = _reference(found, project, rules, asked, complaints)
    entries = [
        entry for entry in found.entries if is_chosen(rules.current_name(entry.benchmark), asked.benchmarks)
    ]
    if asked.benchmarks and not entries:
        names = sorted({rules.current_name(entry.benchmark) for entry in found.entries})
        raise UsageError(
            f"No benchmark of the ledger matches '{asked.benchmarks[0]}'",
            where=str(folder),
            remedy=f"There are: {', '.join(names[:5])}{' …' if len(names) > 5 else ''}",
        )
    around = Around(
        msgspec.structs.replace(rules, reference=asked.since) if asked.since else rules,
        reference,
        states.facts_of(project, ordered_commits(found.entries)),
        states.web_address(project),
        str(folder),
    )
    return build(Ledger(tuple(entries), tuple(complaints)), around)


def _reference(
    found: Ledger, project: Path, rules: HistoryRules, asked: Question, complaints: list[str]
) -> State | None:
    """Return the state from which growth counts; None for the first state of each course."""
    if asked.since is not None:
        return _since(asked.since, found, project)
    if rules.reference is None or not found.entries:
        return None
    commit = _commit(rules.reference, found, project)
    if commit is None:
        complaints.append(
            f"The reference '{rules.reference}' does not exist any more: growth counts from the first state of each course. Name "
            "another one: [tool.harness.history] reference"
        )
        return None
    return _state(commit, found, project)


def _since(named: str, found: Ledger, project: Path) -> State:
    if _DAY.fullmatch(named):
        facts = states.facts_of(project, ordered_commits(found.entries))
        after = [one for one in ordered_commits(found.entries) if _day(one, found, facts) >= named]
        if after:
            return _state(after[0], found, project)
    elif (commit := _commit(named, found, project)) is not None:
        return _state(commit, found, project)
    raise UsageError(
        f"The ledger has no state since '{named}'",
        remedy="Name a commit of the ledger, or a day such as 2026-01-31",
    )


def _day(commit: str, found: Ledger, facts: dict[str, states.CommitFacts]) -> str:
    if commit in facts:
        return facts[commit].committed[:10]
    named = (
        state for entry in found.entries for state in (entry.base, entry.candidate) if state.commit == commit
    )
    return next((state.committed[:10] for state in named if state.committed), "")


def _commit(revision: str, found: Ledger, project: Path) -> str | None:
    """Return the commit of a revision of git, or of the beginning of an id that the ledger has."""
    if states.is_repository(project):
        try:
            return git.resolve(project, revision)
        except UsageError:
            pass
    known = [commit for commit in ordered_commits(found.entries) if commit.startswith(revision.lower())]
    return known[0] if len(known) == 1 and len(revision) >= 7 else None


def _state(commit: str, found: Ledger, project: Path) -> State:
    """Return the state of a commit: commits that leave the measured code as it is stand for one another."""
    newest = max(found.entries, key=lambda entry: entry.day)
    if not states.is_repository(project):
        return State(commit=commit)
    return states.state_of(project, commit, newest.paths)


def anchor_due(history: History, folder: Path, rules: HistoryRules) -> str:
    """Return why an anchor is due, as a sentence that ends with the command; empty if none is."""
    why = due.reason(history)
    if not why:
        return ""
    against = history.reference_name or history.courses[0].since[:12]
    words = ["harness", "history", "anchor", *([] if against == rules.reference else [against])]
    words += [] if folder == Path(rules.folder) else ["--history", str(folder)]
    return f"An anchor is due: {why}. Make it with: {typed(*words)}"
