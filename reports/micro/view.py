"""Build the view of runs of micro-benchmarks: all decisions on the content of the report."""

import collections
import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.policy.thresholds import Level
from harness.reading.microsummary import MicroSummary
from harness.redaction.redact import redact, redact_text
from harness.redaction.visible import typed
from harness.units import format_count, format_duration, format_percent, significant
from reports.micro.model import MicroCard, MicroView
from reports.micro.tables import comparison_table, missing_table, times_table
from reports.shared.facts import flat
from reports.shared.model import Cell, NextCommand, Row, Status, Table, Tone

_STATUS = {Level.VALID: Status.GOOD, Level.DEGRADED: Status.CAUTION, Level.INVALID: Status.BAD}
_HEADLINE = {
    Level.VALID: "valid: all checks passed",
    Level.DEGRADED: "degraded: read its numbers with the reasons below",
    Level.INVALID: "invalid: not everything was measured",
}


@dataclasses.dataclass(frozen=True, slots=True)
class LabelledRun:
    """One run under a label that is unique in the report."""

    label: str
    run: MicroSummary


def build(runs: Sequence[MicroSummary]) -> MicroView:
    """Return the view of one or more runs; later ones stand beside the first. Raises `UsageError` without a run."""
    if not runs:
        raise UsageError("There is no run to report", remedy="Name at least one run directory")
    labelled = _labelled(runs)
    worst = max((run.validity.level for run in runs), key=list(Level).index)
    environment = _environment(labelled)
    return MicroView(
        title=f"Micro-benchmarks: {', '.join(one.label for one in labelled)}",
        subtitle=f"Suite {runs[0].document.suite} · {runs[0].document.started_at[:16].replace('T', ' ')}",
        status=_STATUS[worst],
        sentence=_sentence(labelled),
        trust=_trust(labelled),
        cards=tuple(_card(one) for one in labelled),
        comparison=comparison_table(labelled) if len(runs) > 1 else None,
        tables=tuple(times_table(one, number) for number, one in enumerate(labelled)),
        missing=missing_table(labelled),
        environment=environment,
        differences=_differing(environment, single=len(runs) == 1),
        files=tuple(itertools.chain.from_iterable(_files(run) for run in runs)),
        next_command=_next_command(labelled),
    )


def _labelled(runs: Sequence[MicroSummary]) -> tuple[LabelledRun, ...]:
    total = collections.Counter(run.label for run in runs)
    seen: collections.Counter[str] = collections.Counter()
    labelled = []
    for run in runs:
        seen[run.label] += 1
        label = f"{run.label} #{seen[run.label]}" if total[run.label] > 1 else run.label
        labelled.append(LabelledRun(label, run))
    return tuple(labelled)


def _sentence(labelled: Sequence[LabelledRun]) -> str:
    said = []
    for one in labelled:
        measured, planned = len(one.run.benchmarks), len(one.run.document.planned)
        count = f"{measured} of {planned}" if measured < planned else f"{measured}"
        said.append(f"{count} benchmark{'s' if planned != 1 else ''} of {one.label}")
    words = f"{_before(labelled)}measured {', '.join(said)}."
    return words if _failed(labelled) and not _is_interrupted(labelled) else words[:1].upper() + words[1:]


def _before(labelled: Sequence[LabelledRun]) -> str:
    """Return the beginning of the headline: incomplete measurement and failures. Names stay unchanged."""
    failed = _failed(labelled)
    words = ["interrupted"] if _is_interrupted(labelled) else []
    words += [f"{', '.join(failed[:3])}{' and others' if len(failed) > 3 else ''} failed"] if failed else []
    return f"{', '.join(words)}: " if words else ""


def _failed(labelled: Sequence[LabelledRun]) -> list[str]:
    return list(dict.fromkeys(name for one in labelled for name in one.run.failed))


def _is_interrupted(labelled: Sequence[LabelledRun]) -> bool:
    return any(one.run.document.interrupted for one in labelled)


def _trust(labelled: Sequence[LabelledRun]) -> tuple[str, ...]:
    one_launch = (
        "Each median is that of one launch of the process; the next launch has another one, often by several "
        "per cent, with the same code."
    )
    if len(labelled) == 1:
        return (
            one_launch,
            "Two bench runs are not a comparison: 'harness compare' measures both sides in turn, in many launches.",
        )
    in_turn = (
        "Two bench runs are not a comparison: these were made one after the other, and the machine changed "
        "meanwhile. Ignore differences under 1.5×; 'harness compare' measures both sides in turn."
    )
    return in_turn, one_launch


def _card(one: LabelledRun) -> MicroCard:
    run, host = one.run, one.run.document.host
    load = "unknown" if host.load_average is None else significant(host.load_average)
    return MicroCard(
        label=one.label,
        level=str(run.validity.level),
        headline=f"{_HEADLINE[run.validity.level]}; {format_count(len(run.benchmarks))} benchmarks",
        reasons=run.validity.reasons,
        facts=(
            ("variant", run.document.variant or "none"),
            ("took", format_duration(round(run.document.seconds, 1))),
            ("CPU contention (runnable, not running)", format_percent(host.descheduled_share)),
            ("on a CPU", format_percent(host.cpu_share)),
            ("taken by the hypervisor", format_percent(host.steal_share)),
            ("load average at the end", load),
        ),
    )


def _environment(labelled: Sequence[LabelledRun]) -> Table:
    facts = [_facts(one.run) for one in labelled]
    rows = tuple(
        Row(name, tuple(Cell(known[name]) if name in known else Cell("unknown", tone=Tone.MISSING) for known in facts))
        for name in dict.fromkeys(itertools.chain.from_iterable(facts))
    )  # fmt: skip
    columns = tuple(one.label for one in labelled)
    return Table("environment", "Environment", columns, rows, "Fact", numeric=False)


def _facts(run: MicroSummary) -> dict[str, str]:
    document = run.document
    return {
        "suite": document.suite,
        "variant": document.variant or "none",
        "started": document.started_at,
        "command": redact_text(document.command),
        **flat(redact(document.environment)),
    }


def _differing(environment: Table, *, single: bool) -> Table:
    rows = tuple(row for row in environment.rows if len({cell.text for cell in row.cells}) > 1)
    notes: tuple[str, ...] = ()
    if not rows:
        notes = ("There is one run, so nothing differs." if single else "Nothing that was recorded differs.",)
    return dataclasses.replace(
        environment, key="differences", title="What differed between the runs", rows=rows, notes=notes
    )


def _files(run: MicroSummary) -> list[str]:
    root = run.directory.path
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and path != run.directory.report_path)
    return [f"{root.name}/{path.relative_to(root)}" for path in files]


def _next_command(labelled: Sequence[LabelledRun]) -> NextCommand:
    first = labelled[0].run
    if first.failed:
        name = next(iter(first.failed))
        suite = Path(first.document.suite)
        place = f"{suite.parent if suite.suffix == '.py' else suite}/{name}"
        return NextCommand(
            typed("python", "-m", "pytest", place), "see why it fails, with the whole traceback"
        )
    if _is_interrupted(labelled):
        return NextCommand(redact_text(first.document.command), "measure all that was planned")
    variants = [one.run.document.variant for one in labelled]
    if len(variants) > 1 and all(variants) and variants[0] != variants[1]:
        sides = [f"variant:{name}" for name in variants[:2]]
    else:
        sides = ["git:HEAD", "path:."]
    return NextCommand(
        typed("harness", "compare", *sides, "--suite", "micro"), "a difference with an interval and a verdict"
    )
