"""Build the view of imported results: their figures, alone or side by side, and no verdict.

It has the shape of a report of micro-benchmarks, and is rendered as one.
"""

import collections
import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path

from harness.imported.document import ImportedDocument, ImportedRow
from harness.redaction.redact import redact_text
from harness.redaction.visible import typed
from harness.units import format_count, format_ns
from reports.micro.model import MicroCard, MicroView
from reports.shared.model import Cell, NextCommand, Row, Status, Table, Tone
from reports.shared.words import plural

_NONE = Cell("–", tone=Tone.MISSING)
_NEVER_JUDGED = (
    "Imported results are shown as their tool wrote them. They are never judged: their machine, their warm-up and their "
    "load are unknown here."
)
_SEQUENTIAL = (
    "Results of separate runs, side by side: differences may be the machine's or the tool's. 'harness compare' measures both "
    "sides in turn."
)
Run = tuple[str, ImportedDocument]


def build(runs: Sequence[Run]) -> MicroView:
    """Return the view of one or more runs, each with the path of its folder."""
    labels = _labels([Path(one.source).name for _, one in runs])
    documents = [one for _, one in runs]
    several = len(runs) > 1
    counts = ", ".join(
        f"{plural(len(one.rows), 'row')} of {label}" for label, one in zip(labels, documents, strict=True)
    )
    environment = _environment(labels, documents)
    return MicroView(
        title=f"Imported: {', '.join(labels)}",
        subtitle=redact_text(", ".join(dict.fromkeys(one.tool for one in documents))),
        status=Status.CAUTION,
        sentence=f"Imported, not judged: {counts}.",
        trust=((_SEQUENTIAL, _NEVER_JUDGED) if several else (_NEVER_JUDGED,)),
        cards=tuple(_card(label, one) for label, one in zip(labels, documents, strict=True)),
        comparison=_side_by_side(labels, documents) if several else None,
        tables=tuple(
            _times(label, one, number)
            for number, (label, one) in enumerate(zip(labels, documents, strict=True))
        ),
        missing=Table("missing", "Not measured", tuple(labels), (), "Benchmark or file", numeric=False),
        environment=environment,
        differences=dataclasses.replace(
            environment,
            key="differences",
            title="What differed between the runs",
            rows=tuple(row for row in environment.rows if len({cell.text for cell in row.cells}) > 1),
        ),
        files=tuple(f"{Path(path).name}/run.json" for path, _ in runs),
        next_command=NextCommand(
            typed("harness", "init"), "let the harness measure it itself: with a verdict that can be trusted"
        ),
    )


def _labels(names: Sequence[str]) -> list[str]:
    total, seen = collections.Counter(names), collections.Counter[str]()
    labels = []
    for name in names:
        seen[name] += 1
        labels.append(f"{name} #{seen[name]}" if total[name] > 1 else name)
    return labels


def _card(label: str, one: ImportedDocument) -> MicroCard:
    facts = (("tool", one.tool), ("source", one.source), *one.facts.items())
    return MicroCard(label, "degraded", f"imported from {one.tool}: never judged", tuple(one.notes), facts)


def _times(label: str, one: ImportedDocument, number: int) -> Table:
    rows = tuple(Row(row.name, _cells(row)) for row in one.rows)
    columns = ("calls", "failed", "min", "p50", "p95", "p99", "max", "mean")
    return Table(f"times-{number}", f"Times of {label}", columns, rows, "Benchmark or operation")


def _cells(row: ImportedRow) -> tuple[Cell, ...]:
    failed = _NONE if row.failed is None else Cell(format_count(row.failed), row.failed)
    times = (row.min_ns, row.p50_ns, row.p95_ns, row.p99_ns, row.max_ns, row.mean_ns)
    return (Cell(format_count(row.count), row.count), failed, *map(_time, times))


def _time(value_ns: float | None) -> Cell:
    return _NONE if value_ns is None else Cell(format_ns(value_ns), value_ns)


def _side_by_side(labels: Sequence[str], documents: Sequence[ImportedDocument]) -> Table:
    """Return the medians of every name in each run, without a factor: that would be read as a verdict."""
    by_name = [{row.name: row for row in one.rows} for one in documents]
    names = dict.fromkeys(itertools.chain.from_iterable(by_name))
    rows = tuple(
        Row(name, tuple(_time(found[name].p50_ns) if name in found else _NONE for found in by_name))
        for name in names
    )
    return Table("medians", "Medians side by side", tuple(labels), rows, "Benchmark or operation")


def _environment(labels: Sequence[str], documents: Sequence[ImportedDocument]) -> Table:
    facts = [
        {
            "tool": one.tool,
            "source": one.source,
            "sha256": one.source_sha256[:12],
            "imported": one.started_at,
            **one.facts,
        }
        for one in documents
    ]
    rows = tuple(
        Row(name, tuple(Cell(redact_text(known.get(name, "unknown"))) for known in facts))
        for name in dict.fromkeys(itertools.chain.from_iterable(facts))
    )
    return Table("environment", "Environment", tuple(labels), rows, "Fact", numeric=False)
