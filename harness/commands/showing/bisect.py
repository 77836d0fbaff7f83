"""The answer of a bisection to a person, a program and an exit code."""

from collections.abc import Iterator
from pathlib import Path

from harness.bisect.document import Answer, Outcome, as_json
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.redaction.documents import without_secrets
from harness.redaction.visible import typed
from harness.units import format_percent
from harness.work.command_line import command_line

_SHORT = 12
_MOST_NAMED = 8


def present(answer: Answer, folder: Path, talk: Talk) -> ExitCode:
    """Print the answer, and return what the process should say."""
    answer = without_secrets(answer)
    code = ExitCode.INTERRUPTED if answer.outcome is Outcome.INTERRUPTED else ExitCode.OK
    for line in _lines(answer):
        talk.answer(line)
    if talk.as_json:
        talk.document(as_json(answer, str(folder), int(code)))
    return code


def _lines(answer: Answer) -> Iterator[str]:
    yield _sentence(answer)
    yield from (f"- {note}" for note in answer.notes)
    if answer.functions:
        more = (
            f" and {len(answer.functions) - _MOST_NAMED} more" if len(answer.functions) > _MOST_NAMED else ""
        )
        yield f"- it changed {', '.join(answer.functions[:_MOST_NAMED])}{more}"
    for skipped in answer.skipped:
        yield f"- skipped {skipped.commit[:_SHORT]}: {skipped.reason}"
    yield f"Next: {_next(answer)}"


def _sentence(answer: Answer) -> str:
    what, probes = f"{answer.benchmark} {answer.metric}", f"{answer.probes} probes"
    if answer.outcome is Outcome.NO_CHANGE:
        return f"There is no change of {what} between {answer.good[:_SHORT]} and {answer.bad[:_SHORT]}: at most {format_percent(answer.at_most)}."
    if answer.outcome is Outcome.INTERRUPTED:
        return "Interrupted; what was measured is kept, and the same command continues."
    interval = _interval(answer.low, answer.high)
    size = f" changed it by {answer.effect:+.2%}{interval}" if answer.effect is not None else " changed it"
    sure = f"probability {format_percent(answer.probability)}, {probes}"
    if answer.commit is not None:
        return f"{what}: {answer.commit}{f' ({answer.subject})' if answer.subject else ''}{size}; {sure}."
    first, last = answer.commits[0][:_SHORT], answer.commits[-1][:_SHORT]
    return f"{what}: one of the {len(answer.commits)} commits {first} to {last}{size}; {sure}."


def _interval(low: float | None, high: float | None) -> str:
    return f" ({low:+.2%} to {high:+.2%})" if low is not None and high is not None and low != high else ""


def _next(answer: Answer) -> str:
    if answer.outcome is Outcome.INTERRUPTED:
        return f"continue: {command_line()}"
    if answer.commit is not None:
        return f"look at it: {typed('git', 'show', answer.commit[:_SHORT])}"
    if answer.commits:
        return f"look at them: {typed('git', 'log', '-p', f'{answer.commits[0][:_SHORT]}^..{answer.commits[-1][:_SHORT]}')}"
    ends = (f"git:{answer.good[:_SHORT]}", f"git:{answer.bad[:_SHORT]}")
    return f"compare all benchmarks of the ends: {typed('harness', 'compare', *ends)}"
