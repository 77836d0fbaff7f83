"""Print the report to a terminal: verdict, validity, the runs side by side, operations, and the next command."""

from collections.abc import Iterator
from typing import TextIO

from rich.console import Console
from rich.text import Text

from reports.run.locustfile import FACTS
from reports.run.model import ReportView, RunCard
from reports.shared.brief import Brief, Part, first_rows, print_brief, saying
from reports.shared.layout import narrowed
from reports.shared.model import Cell, Row, Table, Tone
from reports.shared.plain import STATUS_STYLE, console_of, print_next, print_table, say
from reports.shared.visible import visible

_LEVEL_STYLE = {"valid": "green", "degraded": "yellow", "invalid": "red"}
_TONE_STYLE = {Tone.BETTER: "blue", Tone.WORSE: "red", Tone.SIMILAR: "dim", Tone.MISSING: "dim"}
_TONE_WORD = {Tone.BETTER: " (better)", Tone.WORSE: " (worse)"}
# Of the operations table a terminal has room for these.
_OPERATION_COLUMNS = ("completed", "p50", "p95", "p99", "max")
_STAGE_COLUMNS = ("target rate", "completed", "p50", "p99", "max", "validity")
_WORKER_COLUMNS = ("completed", "rate", "p50", "p99", "descheduled", "ended")
_MOST_CHANGES = 5
_HOLDERS = 4
_MOST_ROWS = 12
# Facts without which the numbers are misread.
_NEEDED_FACTS = (
    "server",
    "redirects",
    "engine",
    "CPU of calls",
    "left running",
    "work in threads",
    "left behind",
    "requests",
    "answers",
    "events",
    "clock",
    "server under test",
    "memory growth",
    "child processes",
    "journeys",
    *FACTS,
)


def render(view: ReportView, stream: TextIO, width: int = 80) -> None:
    """Write the report to `stream`, in colour if it is a terminal, in lines of at most `width`."""
    console = console_of(stream, width)
    _verdict(console, view)
    for run in view.runs:
        _run(console, run)
    _print_table(console, view.comparison)
    if view.changes is not None and view.changes.rows:
        _changes(console, view.changes)
    if len({row.group or row.label for row in view.operations_table.rows}) > 1:
        _print_table(
            console, narrowed(view.operations_table, _OPERATION_COLUMNS, "Response times by operation")
        )
    for table in view.held_by:
        _print_table(console, _greatest(table))
    if len(view.stages.rows) > len(view.runs):
        _print_table(console, narrowed(view.stages, _STAGE_COLUMNS, view.stages.title))
    _print_table(console, narrowed(view.workers, _WORKER_COLUMNS, view.workers.title))
    _print_table(console, _saturated(view.backends))
    _print_table(console, view.server)
    for note in view.profile_notes:
        say(console, note, "dim")
    print_next(console, view.next_command)


def render_brief(view: ReportView, stream: TextIO, width: int = 80) -> None:
    """Write verdict, doubts, the runs side by side and the next step, for two runs in at most 29 lines."""
    console = console_of(stream, width)
    table = view.comparison
    changed = [row.label for row in (view.changes.rows if view.changes else ())]
    print_brief(
        console,
        Brief(
            head=[lambda to: _verdict(to, view)],
            details=list(_doubts(view)),
            table=first_rows(table, [*(row.label for row in view.tiles), *changed], _cell),
            rows=min(len(table.rows), _MOST_ROWS),
            next_command=view.next_command,
        ),
    )


def _doubts(view: ReportView) -> Iterator[Part]:
    """Yield the limitations of each run: the first reason of its validity, and its commonest failure."""
    for run in view.runs:
        # The verdict on a single invalid run already gives the reason.
        if run.reasons and run.reasons[0][1:] not in view.verdict.sentence:
            more = f" ({len(run.reasons) - 1} more)" if len(run.reasons) > 1 else ""
            yield saying(f"{run.label} is {run.level}: {run.reasons[0]}{more}", _LEVEL_STYLE[run.level])
        for reason in run.failures[:1]:
            others = " (and others)" if len(run.failures) > 1 else ""
            yield saying(f"{run.label}: {reason}{others}", "red")
        yield from (saying(f"{run.label}: {words}", "yellow") for words in run.growth[: run.growing])
    facts = [(run.label, dict(run.facts)) for run in view.runs]
    for name in _NEEDED_FACTS:
        told = {text: label for label, known in reversed(facts) if (text := known.get(name))}
        yield from (saying(f"{label}: {text}", "dim") for text, label in told.items())
    for run in view.runs:
        yield from (saying(f"{run.label}: growth: {words}", "dim") for words in run.growth[run.growing :])


def _text(words: str, style: str = "") -> Text:
    return Text(visible(words), style)


def _verdict(console: Console, view: ReportView) -> None:
    say(console, view.title, "bold")
    say(console, view.subtitle, "dim")
    console.print()
    say(console, view.verdict.sentence, STATUS_STYLE[view.verdict.status])
    for limit in view.verdict.limits:
        say(console, f"{limit.what}: {limit.sentence}", _TONE_STYLE.get(limit.tone, ""), indent=2)
    for sentence in view.verdict.trust:
        say(console, sentence, "dim")


def _run(console: Console, run: RunCard) -> None:
    console.print()
    line = Text()
    line.append(visible(run.label), "bold")
    line.append(" is ")
    line.append(run.headline, _LEVEL_STYLE[run.level])
    say(console, line)
    for reason in run.reasons:
        say(console, f"- {reason}", indent=2)
    outcomes = ", ".join(f"{count:,} {name}" for name, count in run.outcomes if count or name == "completed")
    say(console, outcomes, indent=2)
    for reason in run.failures:
        say(console, reason, "red", indent=2)
    for place, sentence in enumerate(run.growth):
        say(console, f"growth: {sentence}", "yellow" if place < run.growing else "dim", indent=2)
    for name in _NEEDED_FACTS:
        if name in dict(run.facts):
            say(console, dict(run.facts)[name], "dim", indent=2)
    say(console, f"warm-up: {dict(run.facts).get('warm-up', 'none')}", "dim", indent=2)
    say(console, f"measuring cost: {dict(run.facts).get('measuring', 'unknown')}", "dim", indent=2)


def _changes(console: Console, table: Table) -> None:
    console.print()
    console.print(_text(table.title, "bold"))
    for row in table.rows[:_MOST_CHANGES]:
        before, after = row.cells
        who = f"{row.hint}, " if row.hint else ""
        where = "" if row.group == "all operations" else f" of {row.group}"
        sentence = f"{who}{row.label}{where}: {before.text} → {after.text}, {after.ratio_text}{_TONE_WORD.get(after.tone, '')}"
        say(console, sentence, _TONE_STYLE.get(after.tone, ""), indent=2)


def _print_table(console: Console, table: Table) -> None:
    print_table(console, table, _cell)
    for note in dict.fromkeys(_notes(table)):
        say(console, f"{note}.", "dim")


def _notes(table: Table) -> Iterator[str]:
    return (cell.note for row in table.rows for cell in row.cells if cell.note and cell.text == "withheld")


def _cell(cell: Cell) -> Text:
    text = _text(cell.text, _TONE_STYLE[Tone.MISSING] if cell.tone is Tone.MISSING else "")
    if cell.ratio_text:
        # Below the detection limit: told by a sign as well as by its style.
        about = "~ " if cell.tone is Tone.SIMILAR and cell.ratio != 1 else ""
        text.append(
            f"  {about}{cell.ratio_text}{_TONE_WORD.get(cell.tone, '')}", _TONE_STYLE.get(cell.tone, "")
        )
    return text


def _greatest(table: Table) -> Table:
    """Return the table of what blocked the event loop with the largest causes only; the HTML has all."""
    rows = tuple(Row(row.label, row.cells[: _HOLDERS + 1]) for row in table.rows)
    return Table(table.key, table.title, table.columns[: _HOLDERS + 1], rows, table.label_head)


def _saturated(table: Table) -> Table:
    """Return the back ends without the column that describes the probe."""
    rows = tuple(Row(row.label, row.cells[:4], group=row.group) for row in table.rows)
    return Table(table.key, table.title, table.columns[:4], rows, table.label_head)
