"""Collect the profiles of runs: inputs of flame graphs, facts of the profilers, and their overhead."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from harness.errors import InvalidRunError
from harness.profiles.difference.finding import detectable_effect
from harness.reading.engines import words_of
from harness.reading.generator import is_foreign
from harness.reading.profiles import (
    RunProfile,
    own_samples,
    profile_files,
    read_profile,
)
from harness.redaction.redact import redact_text
from harness.units import format_count, significant
from reports.run.model import ProfileView
from reports.run.sides import Side
from reports.run.waiting import waiting_notes
from reports.shared.child_processes import children_words
from reports.shared.facts import fact_text
from reports.shared.model import Cell, Row, Table, Tone
from reports.shared.profilers import elsewhere_words, is_within_budget, overhead_words

# Titles of the harness's files in reading order; other files of these folders follow by name.
_TITLES = {
    "cpu/cpu": "CPU",
    "wait/wait": "Waiting",
    "wait/parallel": "Parallel waiting",
    "memory/memory": "Allocations",
    "memory/bytes": "Allocated bytes",
    "memory/peak": "Memory at its peak",
    "memory/leaks": "Memory still held at the end",
}
_COST = "service median under the profiler"


def profile_views(sides: Sequence[Side]) -> tuple[tuple[ProfileView, ...], tuple[str, ...]]:
    """Return the profiles found in the runs' directories, and sentences on what is missing or damaged."""
    found: dict[tuple[str, str], dict[str, RunProfile]] = {}
    notes = []
    for side in sides:
        for file in profile_files(side.run):
            if side.withheld and file.kind == "wait":
                continue
            try:
                read = read_profile(side.run, file)
            except InvalidRunError as error:
                notes.append(f"{side.label}: {error.what} ({file.name})")
            else:
                found.setdefault((file.name, read.profile.unit), {})[side.label] = read
    views = [
        ProfileView(name.replace("/", "-"), _TITLES.get(name, name), unit, parts)
        for (name, unit), parts in found.items()
    ]
    order = list(_TITLES.values())
    views.sort(key=lambda view: order.index(view.title) if view.title in order else len(order))
    words = (*notes, *_missing(sides), *_precision(views), *_overheads(sides))
    return tuple(views), (*words, *_children(sides), *waiting_notes(sides, views))


def _missing(sides: Sequence[Side]) -> list[str]:
    notes = [
        f"{side.label}: {redact_text(facts.reason)}"
        for side in sides
        for facts in side.run.document.profiles.by_kind().values()
        if facts.reason
    ]
    notes += [note for side in sides if (note := _elsewhere(side))]
    asked = {name for side in sides for name in side.run.document.profiles.by_kind() if name != "wait"}
    found = {file.kind for side in sides for file in profile_files(side.run)}
    if not asked and not found - {"wait"} and not any(is_foreign(side.run) for side in sides):
        notes.append("No CPU or memory profile: run again with --profile cpu,memory to see functions")
    return notes


def _elsewhere(side: Side) -> str:
    """Return a note if a memory profile by operation misses part of the target's allocations; else empty."""
    document = side.run.document
    memory, units = document.profiles.memory, words_of(side.run).units
    words = elsewhere_words(memory.facts, document.environment, f"threads or {units}") if memory else ""
    return f"{side.label}: {words}" if words else ""


def _precision(views: Sequence[ProfileView]) -> Iterator[str]:
    """Yield the minimum detectable difference between two CPU profiles."""
    for view in views:
        for label, one in view.sides.items() if view.unit == "samples" else ():
            own = own_samples(one.profile)
            detectable = detectable_effect(own)
            samples = f"{label}: {format_count(own)} CPU samples"
            if detectable >= 1:
                yield f"{samples} are too few to detect a difference; profile for longer"
            else:
                yield f"{samples}; detection limit: a difference of about {100 * detectable:.0f} %"


def _overheads(sides: Sequence[Side]) -> Iterator[str]:
    for side in sides:
        cpu = side.run.document.profiles.cpu
        if cpu and not is_within_budget(cpu.facts) and (words := overhead_words(cpu.facts)):
            yield f"{side.label}: {words}"


def _children(sides: Sequence[Side]) -> Iterator[str]:
    for side in sides:
        for facts in side.run.document.profiles.by_kind().values():
            yield from (f"{side.label}: {words}" for words in children_words([facts.facts]))


def profile_facts(sides: Sequence[Side]) -> Table:
    """Return the facts of each profiler by run, and its overhead on the calls."""
    rows: list[Row] = []
    for kind in dict.fromkeys(kind for side in sides for kind in side.run.document.profiles.by_kind()):
        said = [_said(side, kind) for side in sides]
        names = dict.fromkeys(name for facts in said for name in facts)
        rows += [
            Row(_words(name), tuple(_fact(name, facts.get(name)) for facts in said), group=kind)
            for name in names
        ]
        rows.append(Row("requests", tuple(_request_count(side, kind) for side in sides), group=kind))
        if "service_p50_ns" in names:
            rows.append(Row(_COST, tuple(_cost(side) for side in sides), group=kind))
    columns = tuple(side.label for side in sides)
    notes = () if rows else ("No profiler ran.",)
    return Table("profile-facts", "What the profilers did", columns, tuple(rows), "Fact", notes)


def _words(name: str) -> str:
    for unit in ("_share", "_bytes", "_ns", "_s", "_hz"):
        name = name.removesuffix(unit)
    return name.replace("_", " ")


def _said(side: Side, kind: str) -> dict[str, Any]:
    """Return the stored facts of the profiler of a kind, in their order."""
    profile = side.run.document.profiles.by_kind().get(kind)
    said: dict[str, Any] = msgspec.to_builtins(profile.facts) if profile else {}
    return said


def _fact(name: str, value: object) -> Cell:
    if value is None:
        return Cell("–", tone=Tone.MISSING)
    return Cell(fact_text(name, value), value if isinstance(value, (int, float)) else None)


def _cost(side: Side) -> Cell:
    """Return the ratio of the median service time under the CPU profiler to that of the timing run."""
    cpu = side.run.document.profiles.cpu
    under_ns = cpu.facts.service_p50_ns if cpu else None
    alone_ns = side.run.total.percentiles("service_ns")["p50"]
    if side.withheld or not under_ns or not alone_ns:
        return Cell("–", tone=Tone.MISSING)
    return Cell(f"{significant(under_ns / alone_ns)}× the timing run's", under_ns / alone_ns)


def _request_count(side: Side, kind: str) -> Cell:
    facts = side.run.document.profiles.by_kind().get(kind)
    total = sum(facts.requests.values()) if facts else 0
    return Cell(format_count(total), total) if total else Cell("–", tone=Tone.MISSING)
