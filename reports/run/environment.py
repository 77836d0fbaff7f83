"""Build the tables of the runs' environments, their differences, and the measurement overhead."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.model import Engine
from harness.redaction.redact import redact, redact_text
from harness.run.facts import LoadFacts
from harness.units import format_bytes, format_duration, format_ns, format_rate
from reports.run.sides import Side, heads
from reports.shared.facts import UNKNOWN, flat
from reports.shared.model import Cell, Row, Table, Tone

_MOST_FILES = 40
_WAITS = "Wait profile, per yield and back"
_SAMPLE = "Sample of resources, once a second"


def environment_table(sides: Sequence[Side]) -> Table:
    """Return every known fact of machine, versions and plan, in the order in which the run stored them."""
    return _facts_table("environment", "Environment and plan", sides, [_facts(side) for side in sides])


def differences_table(sides: Sequence[Side]) -> Table:
    """Return the facts that differ between runs."""
    table = environment_table(sides)
    rows = tuple(row for row in table.rows if len({cell.text for cell in row.cells}) > 1)
    return Table("differences", "What differed between the runs", table.columns, rows, "Fact", numeric=False)


def _facts_table(key: str, title: str, sides: Sequence[Side], facts: Sequence[Mapping[str, str]]) -> Table:
    names = dict.fromkeys(name for known in facts for name in known)
    rows = tuple(
        Row(name, tuple(Cell(known.get(name, UNKNOWN), tone=Tone.PLAIN if name in known else Tone.MISSING) for known in facts))
        for name in names
    )  # fmt: skip
    return Table(key, title, heads(sides), rows, "Fact", numeric=False)


def _facts(side: Side) -> dict[str, str]:
    document, plan = side.run.document, side.run.document.plan
    load = (
        f"{plan.users} users"
        if plan.executor == "closed"
        else f"{format_rate(plan.rate_per_s)}, {plan.arrivals}"
    )
    return {
        "scenario": document.scenario,
        "target": document.target,
        "variant": document.variant or "none",
        "load": f"{plan.executor} model, {load}",
        "duration": f"{format_duration(plan.duration_s)} after {format_duration(plan.warmup_s)} of warm-up",
        "in-flight limit": str(plan.in_flight_limit),
        "seed": str(document.seed),
        "started": document.started_at,
        "command": redact_text(document.command),
        **flat(redact(document.environment)),
    }


def overhead_table(sides: Sequence[Side]) -> Table:
    """Return the overhead of recording, splitting and profiling."""
    names = ("Recorder, per call", "Switch hook, per yield and back", _WAITS, _SAMPLE)
    rows = [Row(name, tuple(_overhead(side, name) for side in sides)) for name in names]
    for kind in dict.fromkeys(kind for side in sides for kind in side.run.document.profiles.by_kind()):
        cells = tuple(_profiler_cell(side, kind) for side in sides)
        rows.append(Row(f"Profiler: {kind}", cells))
    notes = (
        "Timing, CPU and memory come from processes of their own: in the timed one ran the switch hook and what it tells the wait profile, nothing else.",
    )
    return Table("overhead", "Overhead of measuring", heads(sides), tuple(rows), "What", notes)


def cost(side: Side) -> str:
    """Return the overhead of recording and splitting in words, as found by the measured process."""
    facts = side.run.facts
    if facts is None:
        return UNKNOWN
    hook = (
        f"{format_ns(facts.split_ns_per_switch)} a yield for the split{_waits_cost(facts)}"
        if facts.split
        else "with the CPU time of its thread"
        if facts.engine is Engine.THREADS
        else "the split was off"
    )
    return f"{format_ns(facts.recorder_ns_per_call)} a call for recording, {hook}"


def _waits_cost(facts: LoadFacts) -> str:
    if not facts.waits_ns_per_switch:
        return ""
    return f" and {format_ns(facts.waits_ns_per_switch)} more for the wait profile"


def _overhead(side: Side, name: str) -> Cell:
    facts = side.run.facts
    if name == _SAMPLE:
        sample_ns = side.judged.growth.sample_ns
        return Cell("off", tone=Tone.MISSING) if sample_ns is None else Cell(format_ns(sample_ns), sample_ns)
    if facts is None:
        return Cell(UNKNOWN, tone=Tone.MISSING, note="the measured process left no account of itself")
    if name.startswith("Recorder"):
        return Cell(format_ns(facts.recorder_ns_per_call), facts.recorder_ns_per_call)
    if not facts.split:
        return Cell("off", tone=Tone.MISSING)
    cost_ns = facts.waits_ns_per_switch if name == _WAITS else facts.split_ns_per_switch
    if not cost_ns:
        return Cell("not measured", tone=Tone.MISSING)
    return Cell(format_ns(cost_ns), cost_ns)


def _profiler_cell(side: Side, kind: str) -> Cell:
    profile = side.run.document.profiles.by_kind().get(kind)
    if profile is None:
        return Cell("not asked for", tone=Tone.MISSING)
    if profile.reason:
        return Cell("none", tone=Tone.MISSING, note=redact_text(profile.reason))
    return Cell("in the timed process" if kind == "wait" else "in a process of its own")


def raw_files(sides: Sequence[Side]) -> tuple[tuple[str, str], ...]:
    """Return (path from the folder of runs, size) of each run's files; the report itself is left out."""
    found = []
    for side in sides:
        root = side.run.directory.path
        files = sorted(path for path in root.rglob("*") if path.is_file() and not path.name.startswith("."))
        found += [_file(path, root) for path in files[:_MOST_FILES] if path != side.run.directory.report_path]
        if len(files) > _MOST_FILES:
            found.append((f"{root.name}/…", f"{len(files) - _MOST_FILES} more"))
    return tuple(found)


def _file(path: Path, root: Path) -> tuple[str, str]:
    return f"{root.name}/{path.relative_to(root)}", format_bytes(path.stat().st_size)
