"""Profiles of the runs: flame-graph inputs, and what the profilers say of themselves and what they cost."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from harness.clock import NS_PER_S
from harness.errors import InvalidRunError
from harness.profiles.stacks.folded import Profile, read_folded
from harness.profiles.stacks.frames import CHILDREN
from harness.redaction.redact import redact_text
from harness.units import format_bytes, format_count, format_ns, format_percent, format_s, significant
from reports.run.sides import Side
from reports.run.waiting import waiting_notes
from reports.shared.children import children_words
from reports.shared.model import Cell, FlameSide, ProfileView, Row, Table, Tone

_FOLDERS = ("cpu", "wait", "memory")
# Titles of the files that the harness writes, in reading order; other files of these folders follow by their name.
_TITLES = {
    "cpu/cpu": "CPU",
    "wait/wait": "Waiting",
    "wait/parallel": "Parallel waiting",
    "memory/memory": "Allocations",
    "memory/bytes": "Allocated bytes",
    "memory/peak": "Memory at its peak",
    "memory/leaks": "Memory still held at the end",
}
_SCALED: dict[str, Callable[[float], str]] = {
    "bytes": format_bytes,
    "_share": format_percent,
    "_s": format_s,
    "_hz": lambda value: f"{significant(value)} Hz",
    "_ns": format_ns,
}
_COST = "service median under the profiler"
_MOST_ELSEWHERE = 0.02
"""Of a target's allocations, before it is said that they are in no operation; as for exact counts."""


def profile_views(sides: Sequence[Side]) -> tuple[tuple[ProfileView, ...], tuple[str, ...]]:
    """Return the profiles found in the runs' directories, and sentences on what is missing or damaged."""
    found: dict[tuple[str, str], list[FlameSide]] = {}
    notes = []
    for side in sides:
        for name, path in _files(side):
            if side.withheld and path.parent.name == "wait":
                continue
            profile, trouble = _read(path)
            if profile is None:
                notes.append(f"{side.label}: {trouble} ({name})")
            else:
                requests = _requests(side, path.parent.name)
                sample_ns = _ns_per_sample(side, path.parent.name) if profile.unit == "samples" else None
                shown = FlameSide(side.label, profile, requests, sample_ns)
                found.setdefault((name, profile.unit), []).append(shown)
    views = [
        ProfileView(name.replace("/", "-"), _TITLES.get(name, name), unit, tuple(parts))
        for (name, unit), parts in found.items()
    ]
    order = list(_TITLES.values())
    views.sort(key=lambda view: order.index(view.title) if view.title in order else len(order))
    words = (*notes, *_missing(sides), *_precision(views), *_overheads(sides))
    return tuple(views), (*words, *_children(sides), *waiting_notes(sides, views))


def _files(side: Side) -> Iterator[tuple[str, Path]]:
    for folder in _FOLDERS:
        for path in sorted((side.run.directory.path / folder).glob("*.folded")):
            yield f"{folder}/{path.stem}", path


def _read(path: Path) -> tuple[Profile | None, str]:
    try:
        profile = read_folded(path)
    except InvalidRunError as error:
        return None, error.what
    return (profile, "") if profile.total > 0 else (None, f"The profile holds no {profile.unit}")


def _requests(side: Side, kind: str) -> Mapping[str, int]:
    """Return what the profiler's own process answered, by operation; the timing run's where it does not say."""
    facts = side.run.document.profiles.get(kind)
    if facts and any(facts.requests.values()):
        return facts.requests
    return {name: summary.count for name, summary in side.run.operations.items()}


def _ns_per_sample(side: Side, kind: str) -> float | None:
    """Return the CPU time between two samples: by the rate that was got, else by the one that was asked for."""
    facts = side.run.document.profiles.get(kind)
    for name in ("rate_got_hz", "rate_asked_hz"):
        rate_hz = facts.facts.get(name) if facts else None
        if isinstance(rate_hz, (int, float)) and rate_hz > 0:
            return NS_PER_S / rate_hz
    return None


def _missing(sides: Sequence[Side]) -> list[str]:
    notes = [
        f"{side.label}: {redact_text(facts.reason)}"
        for side in sides
        for facts in side.run.document.profiles.values()
        if facts.reason
    ]
    notes += [note for side in sides if (note := _elsewhere(side))]
    asked = {name for side in sides for name in side.run.document.profiles if name != "wait"}
    found = {name.partition("/")[0] for side in sides for name, _ in _files(side)}
    if not asked and not found - {"wait"}:
        notes.append("Nobody looked at CPU and memory: run again with --profile cpu,memory to see functions")
    return notes


def _elsewhere(side: Side) -> str:
    """Say that a memory profile by operation is not all of the target's, where that is so."""
    memory = side.run.document.profiles.get("memory")
    facts = memory.facts if memory else {}
    elsewhere, within = facts.get("elsewhere_allocations", 0), facts.get("allocations", 0)
    if not elsewhere or elsewhere / (elsewhere + within) <= _MOST_ELSEWHERE:
        return ""
    return (
        f"{side.label}: {format_percent(elsewhere / (elsewhere + within))} of the target's allocations were made outside of"
        " the calls, by threads or greenlets that work for none of them: no operation has them"
    )


def _precision(views: Sequence[ProfileView]) -> Iterator[str]:
    """Say how large a difference between two CPU profiles must be: counts are Poisson, so about 4 / sqrt(samples)."""
    for view in views:
        for side in view.sides if view.unit == "samples" else ():
            # What is compared is the process itself.
            own = side.profile.total - side.profile.under(CHILDREN)
            detectable = 4 / math.sqrt(own) if own else math.inf
            samples = f"{side.label}: {format_count(own)} CPU samples"
            if detectable >= 1:
                yield f"{samples} are too few to tell any difference from chance; profile for longer"
            else:
                yield f"{samples}; a difference of less than about {100 * detectable:.0f} % cannot be told from chance"


def _overheads(sides: Sequence[Side]) -> Iterator[str]:
    for side in sides:
        cpu = side.run.document.profiles.get("cpu")
        if cpu and (words := overhead_words(cpu.facts)):
            yield f"{side.label}: {words}"


def _children(sides: Sequence[Side]) -> Iterator[str]:
    for side in sides:
        for facts in side.run.document.profiles.values():
            yield from (f"{side.label}: {words}" for words in children_words([facts.facts]))


def overhead_words(facts: Mapping[str, object]) -> str:
    """Return what sampling cost beside its budget, as a sentence; empty where it was not measured."""
    names = [f"overhead_{name}share" for name in ("", "low_", "high_", "budget_")]
    shares = [value for name in names if isinstance(value := facts.get(name), float)]
    if len(shares) < len(names):
        return ""
    cost, low, high, budget = shares
    kept = "more than" if low > budget else "within" if high <= budget else "not certainly within"
    return (
        f"reading its stacks {facts.get('rate_asked_hz')} times a second cost it {format_percent(cost)} of the time"
        f" ({format_percent(low)} to {format_percent(high)}), {kept} the budget of {format_percent(budget)}"
    )


def profile_facts(sides: Sequence[Side]) -> Table:
    """Return what each profiler said of its own work, by run, and what it cost the calls."""
    rows: list[Row] = []
    for kind in dict.fromkeys(kind for side in sides for kind in side.run.document.profiles):
        known = [side.run.document.profiles[kind] for side in sides if kind in side.run.document.profiles]
        names = dict.fromkeys(name for facts in known for name in facts.facts)
        rows += [
            Row(_words(name), tuple(_fact(side, kind, name) for side in sides), group=kind) for name in names
        ]
        rows.append(Row("requests", tuple(_request_count(side, kind) for side in sides), group=kind))
        if "service_p50_ns" in names:
            rows.append(Row(_COST, tuple(_cost(side, kind) for side in sides), group=kind))
    columns = tuple(side.label for side in sides)
    notes = () if rows else ("No profiler ran.",)
    return Table("profile-facts", "What the profilers did", columns, tuple(rows), "Fact", notes)


def _words(name: str) -> str:
    for unit in ("_share", "_bytes", "_ns", "_s", "_hz"):
        name = name.removesuffix(unit)
    return name.replace("_", " ")


def _fact(side: Side, kind: str, name: str) -> Cell:
    facts = side.run.document.profiles.get(kind)
    value = facts.facts.get(name) if facts else None
    if value is None:
        return Cell("–", tone=Tone.MISSING)
    return Cell(fact_text(name, value), value if isinstance(value, (int, float)) else None)


def _cost(side: Side, kind: str) -> Cell:
    """Return the median service time under the profiler by that of the timing run."""
    facts = side.run.document.profiles.get(kind)
    under_ns = facts.facts.get("service_p50_ns") if facts else None
    alone_ns = side.run.total.percentiles("service_ns")["p50"]
    if side.withheld or not isinstance(under_ns, (int, float)) or not alone_ns:
        return Cell("–", tone=Tone.MISSING)
    return Cell(f"{significant(under_ns / alone_ns)} × the timing run's", under_ns / alone_ns)


def fact_text(name: str, value: object) -> str:
    """Return a fact with the unit that its name carries; a mapping as `name value` pairs."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {fact_text(name, item)}" for key, item in value.items()) or "none"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return redact_text(str(value))
    for unit, scaled in _SCALED.items():
        if unit in name if unit == "bytes" else name.endswith(unit):
            return scaled(value)
    return format_count(value) if float(value).is_integer() else significant(value)


def _request_count(side: Side, kind: str) -> Cell:
    facts = side.run.document.profiles.get(kind)
    total = sum(facts.requests.values()) if facts else 0
    return Cell(format_count(total), total) if total else Cell("–", tone=Tone.MISSING)
