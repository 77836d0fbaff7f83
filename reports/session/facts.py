"""Build the tables of facts of a session: both sides, the session and the machine."""

import collections
import statistics
from collections.abc import Iterator, Sequence

from harness.redaction.redact import redact, redact_text
from harness.session.receipt import (
    Block,
    LoadBlock,
    LoadConditions,
    MeasuredRoot,
    Receipt,
    SubjectFacts,
    Suspects,
)
from harness.units import format_bytes, format_duration, format_ns, format_rate, significant
from reports.shared.facts import flat
from reports.shared.model import Cell, Row, Table
from reports.shared.words import plural

_MOST_FUNCTIONS = 10
_MOST_ROOTS = 20
_MOST_COMPILED = 5
_MOST_IN_LINE = 6
SUSPECTS_NOTE = (
    "Benchmarks that regressed in time were profiled again on both sides, in turns and in random order. A function is named only "
    "where those profiles differ by more than they differ among themselves; counts need no test."
)


def facts_table(receipt: Receipt) -> Table:
    """Return the facts of both sides beside one another."""
    sides = (receipt.base, receipt.candidate)
    facts = (*_subject_rows(sides), *_measured_rows(receipt.measured))
    rows = tuple(
        Row(name, tuple(Cell(redact_text(value or "–")) for value in values))
        for name, values in facts
        if any(values)
    )
    return Table("subjects", "What was compared", ("base", "candidate"), rows, "Fact", numeric=False)


def _subject_rows(sides: Sequence[SubjectFacts]) -> Iterator[tuple[str, list[str | None]]]:
    yield "subject", [side.spec for side in sides]
    yield "label", [side.label for side in sides]
    yield "revision", [side.revision for side in sides]
    yield "environment from lock file", [side.environment_lock for side in sides]


def _measured_rows(measured: Sequence[MeasuredRoot]) -> Iterator[tuple[str, list[str | None]]]:
    for root in measured[:_MOST_ROOTS]:
        places = ((root.base, root.base_compiled), (root.candidate, root.candidate_compiled))
        values = [place and f"{place}, {_made_of(compiled)}" for place, compiled in places]
        yield f"measured: {root.name}", values
    if len(measured) > _MOST_ROOTS:
        yield "measured too", [f"{len(measured) - _MOST_ROOTS} more packages"] * 2


def _made_of(compiled: Sequence[str]) -> str:
    if not compiled:
        return "Python"
    named = ", ".join(compiled[:_MOST_COMPILED]) + (" …" if len(compiled) > _MOST_COMPILED else "")
    return f"Python and {plural(len(compiled), 'compiled module')} ({named})"


def measured_line(measured: Sequence[MeasuredRoot]) -> str:
    """Return the measured source roots in a few words; empty for targets, which have none."""
    words = [_in_words(root) for root in measured[:_MOST_IN_LINE]]
    more = len(measured) - len(words)
    return ", ".join([*words, *([f"{more} more"] if more else [])])


def _in_words(root: MeasuredRoot) -> str:
    count = max(len(root.base_compiled), len(root.candidate_compiled))
    notes = [plural(count, "compiled module")] if count else []
    notes += [
        f"{side} only" for side, other in (("base", root.candidate), ("candidate", root.base)) if not other
    ]
    return f"{root.name} ({', '.join(notes)})" if notes else root.name


def environment_table(receipt: Receipt) -> Table:
    """Return the settings of the session and the fingerprint of its machine."""
    facts = {**dict(_session(receipt)), **flat(redact(receipt.environment))}
    rows = tuple(Row(name, (Cell(text),)) for name, text in facts.items())
    return Table("environment", "Session and machine", ("",), rows, "Fact", numeric=False)


def _session(receipt: Receipt) -> Iterator[tuple[str, str]]:
    yield "command", redact_text(receipt.command)
    yield "started", receipt.started_at
    yield "seed", str(receipt.seed)
    yield "suites", ", ".join(receipt.suites) or "none"
    yield "blocks", _blocks(receipt.blocks)
    if receipt.load_blocks:
        yield "load blocks", _blocks(receipt.load_blocks)
    if receipt.load is not None:
        yield "load of each segment", _load(receipt.load)
    plan = receipt.plan
    yield "slices", f"{plan.slices} of {format_duration(plan.slice_ns / 1e9)} a side and block"
    yield "policy", f"sha256 {receipt.policy_sha256[:12]}"
    yield "finished", "yes" if receipt.finished else "no"


def _load(load: LoadConditions) -> str:
    size = f"{load.users} users" if load.executor == "closed" else format_rate(load.rate_per_s)
    measured, warmup = format_duration(load.duration_s), format_duration(load.warmup_s)
    return f"{load.scenario}, {size} for {measured} after {warmup} of warm-up"


def _blocks(blocks: Sequence[Block] | Sequence[LoadBlock]) -> str:
    phases = collections.Counter(str(block.phase) for block in blocks)
    words = ", ".join(f"{count} {phase}" for phase, count in phases.items()) or "none"
    failed = sum(1 for block in blocks if block.trouble)
    return f"{words}; {plural(failed, 'block')} without data" if failed else words


def calls_made(blocks: Sequence[Block]) -> dict[str, int]:
    """Return the calls that a process made of each benchmark, warm-up included: the median over the blocks."""
    made: dict[str, list[int]] = {}
    for block in blocks:
        for name, calls in block.calls.items():
            made.setdefault(name, []).append(calls)
    return {name: round(statistics.median(calls)) for name, calls in made.items()}


def suspect_tables(suspects: Sequence[Suspects]) -> tuple[Table, ...]:
    """Return the functions that changed, one table for each regressed comparison."""
    return tuple(_suspects(number, one) for number, one in enumerate(suspects))


def _suspects(number: int, suspects: Suspects) -> Table:
    rows = tuple(
        Row(
            change.function,
            (
                Cell(_weight(change.base, change.unit), change.base),
                Cell(_weight(change.candidate, change.unit), change.candidate),
                Cell(
                    _difference(change.candidate - change.base, change.unit), change.candidate - change.base
                ),
            ),
        )
        for change in suspects.functions[:_MOST_FUNCTIONS]
    )
    title = f"{suspects.benchmark} {suspects.metric}: functions that changed, self per call"
    notes = (suspects.note,) if suspects.note else ()
    return Table(f"suspects-{number}", title, ("base", "candidate", "difference"), rows, "Function", notes)


def _difference(value: float, unit: str) -> str:
    return f"{'+' if value >= 0 else '−'}{_weight(abs(value), unit)}"


def _weight(value: float, unit: str) -> str:
    if unit in {"ns", "bytes"}:
        return format_ns(value) if unit == "ns" else format_bytes(value)
    return f"{significant(value)} {unit}".rstrip()
