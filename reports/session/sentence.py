"""Word the answer in one sentence, and the next command."""

import shlex
from collections.abc import Sequence

from harness.errors import ExitCode
from harness.judge.metrics import FIXED_LOOP, PROCESS
from harness.judge.verdict import Comparison, Judgement, Kind, Verdict
from harness.redaction.redact import redact_text
from harness.session.receipt import Receipt
from harness.units import lower_first
from reports.session.lines import size, word_of
from reports.session.model import WATCHED, Links
from reports.session.words import sides_text
from reports.shared.changes import change_text, interval_text
from reports.shared.model import NextCommand, Status
from reports.shared.visible import short
from reports.shared.words import plural

_LONGEST_NAME = 80
_STATUS = {Verdict.OK: Status.GOOD, Verdict.IMPROVED: Status.GOOD, Verdict.INCONCLUSIVE: Status.CAUTION}
# The begin of a target that is a server which the harness starts.
_SERVED = "serve:"


def status(judgement: Judgement) -> Status:
    """Return the colour of the headline."""
    if judgement.exit_code is ExitCode.INTERRUPTED:
        return Status.CAUTION if judgement.verdict is not Verdict.REGRESSED else Status.BAD
    return _STATUS.get(judgement.verdict, Status.BAD)


def sentence(judgement: Judgement) -> str:
    """Return the overall verdict, with its largest cause and other findings."""
    words = _answer(judgement)
    if judgement.exit_code is ExitCode.INTERRUPTED:
        words = f"Interrupted before its end: {lower_first(words)}"
    return words[:1].upper() + words[1:]


def _answer(judgement: Judgement) -> str:
    comparisons = judgement.comparisons
    if judgement.verdict is Verdict.INVALID:
        return _invalid(judgement)
    if not comparisons:
        return f"{judgement.verdict}: nothing was compared."
    if judgement.verdict in {Verdict.REGRESSED, Verdict.IMPROVED}:
        return _moved(judgement.verdict, comparisons)
    if judgement.verdict is Verdict.INCONCLUSIVE:
        return _inconclusive(judgement)
    return _clear(comparisons)


def _moved(verdict: Verdict, comparisons: Sequence[Comparison]) -> str:
    moved = _with(verdict, comparisons)
    count = f"{_share(moved, comparisons)} {verdict}"
    if not moved:
        return f"{count}."
    of_process = next((one for one in moved if one.benchmark == PROCESS and one.metric == FIXED_LOOP), None)
    if of_process is not None:
        return f"{of_process.note.partition('. ')[0]}{_rest(verdict, comparisons)}."
    largest = max(moved, key=size)
    if len(moved) > len({one.benchmark for one in moved}):
        count += f" in {plural(len(moved), 'metric')}"
    only = "the largest: " if len(moved) > 1 else ""
    also = "" if verdict is Verdict.REGRESSED else " and none regressed"
    return f"{count}{also}{'; ' if only else ': '}{only}{_effect(largest)}{_rest(verdict, comparisons)}."


def _effect(comparison: Comparison) -> str:
    """Return one change with its evidence."""
    name = f"{short(comparison.benchmark, _LONGEST_NAME)} {short(comparison.metric, _LONGEST_NAME)}"
    if comparison.kind is Kind.LIMIT:
        note = f": {short(comparison.note, 2 * _LONGEST_NAME).rstrip('.')}" if comparison.note else ""
        return f"{name} against its limit{note}"
    if comparison.kind is Kind.EXACT:
        return f"{name} from {sides_text(comparison, ' to ')}, counted"
    change = change_text(comparison.change, comparison.unit) or "by an unknown amount"
    interval = interval_text(comparison.low, comparison.high, comparison.unit)
    words = f"{name} {change} ({interval})" if interval else f"{name} {change}"
    confirmed = "confirmed on" if comparison.screened else "on"
    fresh = "fresh block" if comparison.screened else "block"
    return f"{words}, {confirmed} {plural(comparison.blocks, fresh)}"


def _inconclusive(judgement: Judgement) -> str:
    open_ones = _with(Verdict.INCONCLUSIVE, judgement.comparisons)
    why = judgement.controls.reasons[:1] or (judgement.reasons[:1] if not open_ones else ())
    if not open_ones:
        return f"inconclusive{f': {_continued(why[0])}' if why else ''}."
    are = "is" if len({one.benchmark for one in open_ones}) == 1 else "are"
    words = f"{_share(open_ones, judgement.comparisons)} {are} inconclusive and none regressed"
    if why:
        return f"{words}: {_continued(why[0])}."
    needed = [one.blocks_needed for one in open_ones if one.blocks_needed is not None]
    if needed:
        words += f"; {plural(max(needed), 'block')} would decide {'all' if len(open_ones) > 1 else 'it'}"
    return f"{words}{_rest(Verdict.INCONCLUSIVE, judgement.comparisons)}."


def _invalid(judgement: Judgement) -> str:
    broken = _with(Verdict.INVALID, judgement.comparisons)
    reasons = [*judgement.reasons, *judgement.controls.reasons, *(one.note for one in broken if one.note)]
    why = f": {_continued(reasons[0])}" if reasons else ""
    if broken and not judgement.reasons:
        return f"No verdict: {_share(broken, judgement.comparisons)} invalid{why}."
    return f"No verdict{why}." if why else "No verdict: the measurement is invalid."


def _clear(comparisons: Sequence[Comparison]) -> str:
    count = len(_benchmarks(comparisons))
    head = f"None of {plural(count, 'benchmark')} regressed" if count > 1 else "The benchmark did not regress"
    return f"{head}{_rest(Verdict.OK, comparisons)}."


def _rest(shown: Verdict, comparisons: Sequence[Comparison]) -> str:
    """Return the other findings, as the end of a sentence."""
    words = []
    for word in ("invalid", "inconclusive", "accepted", "improved", "new", "removed"):
        count = len({one.benchmark for one in comparisons if word_of(one) == word})
        if count and word != shown:
            words.append(f"{count} {word}")
    return f"; {', '.join(words)}" if words else ""


def _with(verdict: Verdict, comparisons: Sequence[Comparison]) -> list[Comparison]:
    return [one for one in comparisons if word_of(one) == verdict]


def _share(some: Sequence[Comparison], comparisons: Sequence[Comparison]) -> str:
    """Return `2 of 20 benchmarks`; a benchmark counts once, however many of its metrics are meant."""
    return f"{len({one.benchmark for one in some})} of {plural(len(_benchmarks(comparisons)), 'benchmark')}"


def _benchmarks(comparisons: Sequence[Comparison]) -> set[str]:
    """Return the benchmarks with a comparison that is more than watched."""
    return {one.benchmark for one in comparisons if word_of(one) != WATCHED}


def _continued(reason: str) -> str:
    return lower_first(reason.rstrip("."))


def _typed(spec: str) -> str:
    """Return a side as a user types it; the gate's working tree is `path:.` there."""
    return shlex.quote(redact_text("path:." if spec == "." else spec))


def _serving(receipt: Receipt) -> str:
    """Return the option for a target that is a server of the project, which may not be the project's target."""
    target = str(receipt.policy.get("target") or "").partition("?")[0]
    server = target.removeprefix(_SERVED)
    file = receipt.environment.get("locustfile")
    users = f" --locustfile {shlex.quote(str(file))}" if file else ""
    return f" --serve {shlex.quote(server)}{users}" if server != target else ""


def next_command(judgement: Judgement, receipt: Receipt, links: Links) -> NextCommand:
    """Return the next command, chosen by the questions that the session leaves open."""
    base, candidate = (_typed(side.spec) for side in (receipt.base, receipt.candidate))
    compare = f"harness compare {base} {candidate}{_serving(receipt)}"
    is_interrupted = judgement.exit_code is ExitCode.INTERRUPTED
    if not is_interrupted and (judgement.verdict is Verdict.INVALID or judgement.controls.reasons):
        return NextCommand("harness doctor", "see what this machine can measure, and what disturbs it")
    if judgement.verdict is Verdict.INCONCLUSIVE or is_interrupted:
        if not set(receipt.suites) <= {"exact", "instructions"}:
            suite = " --suite load" if {"load"} <= set(receipt.suites) <= {"exact", "load"} else ""
            return NextCommand(f"{compare}{suite} --budget 10m", "measure more blocks of both sides")
        if is_interrupted:
            suite = receipt.suites[0] if receipt.suites else "exact"
            return NextCommand(f"{compare} --suite {suite}", "count all of both sides")
        # A repetition repeats what was not counted.
        suite = "micro" if "instructions" in receipt.suites else "load"
        return NextCommand(
            f"{compare} --suite {suite}",
            "compare times, for work that was not counted",
        )
    if judgement.verdict is Verdict.REGRESSED:
        return NextCommand(
            f"harness judge {shlex.join((links.receipt, *links.others))}",
            "judge the same blocks under another policy",
        )
    return NextCommand(f"{compare} --suite load", "compare throughput and percentiles under load")
