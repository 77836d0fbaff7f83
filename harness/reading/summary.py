"""Turn a run directory into numbers: outcomes, histograms by operation and stage, a time line.

Everything is computed from the files of the run. Percentiles are over the calls of the
measured time that returned; the outcomes count those that never returned.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, reduce
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.clock import NS_PER_S
from harness.errors import InvalidRunError
from harness.model import Outcome
from harness.plans.plan import stage_of
from harness.plans.span import Span
from harness.reading.timeline import Timeline
from harness.run.directory import RunDirectory
from harness.run.documents import RunDocument
from harness.run.facts import LoadFacts
from harness.table import calls, heldby
from harness.table.histogram import PERCENTILES, Histogram, Integers, least_count
from harness.table.latency import METRICS, harness_lag_ns, latencies, returned
from harness.table.pieces import pieces, warmup_and_measured
from harness.table.shares import whole_table

Outcomes = Mapping[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class OperationSummary:
    """Calls of one operation (or of all, or of one stage) in the measured time."""

    name: str
    outcomes: Outcomes
    histograms: Mapping[str, Histogram]
    """Histograms by metric of `METRICS`, over calls that returned; split metrics are empty without the split."""

    @property
    def count(self) -> int:
        """Number of calls that returned."""
        return sum(self.outcomes[outcome.label] for outcome in Outcome if outcome.returned)

    def percentiles(self, metric: str) -> dict[str, float | int | None]:
        """Return p50 to p999, max and mean in ns; None where too few calls support a figure."""
        histogram = self.histograms[metric]
        values: dict[str, float | int | None] = {
            name: histogram.supported_percentile(share) for name, share in PERCENTILES.items()
        }
        return values | {"max": histogram.high if histogram.count else None, "mean": histogram.mean}

    def intervals(self, metric: str) -> dict[str, tuple[int, int]]:
        """Return the 95 % interval in ns of each percentile that `percentiles` leaves out, where the calls bound it."""
        histogram = self.histograms[metric]
        missing = [
            (name, share) for name, share in PERCENTILES.items() if histogram.count < least_count(share)
        ]
        found = {name: histogram.percentile_interval(share) for name, share in missing}
        return {name: bounds for name, bounds in found.items() if bounds is not None}


@dataclasses.dataclass(frozen=True)
class RunSummary:
    """The numbers of one run. Their validity is judged by `harness.reading.judging`."""

    directory: RunDirectory
    document: RunDocument
    facts: LoadFacts | None
    table: calls.Table
    """Rows of the measured time."""
    warmup: calls.Table
    """Rows of the warm-up, and of calls beside the measured time (`harness.table.aside`)."""
    trouble: tuple[str, ...]
    """Missing or damaged parts, in sentences."""

    @property
    def all_calls(self) -> Iterator[calls.Table]:
        """All rows in chunks: of the warm-up, then of the measured time."""
        return itertools.chain(pieces(self.warmup), pieces(self.table))

    @property
    def label(self) -> str:
        """Name of this run in reports: its variant, or else its target."""
        return self.document.variant or self.document.target

    @property
    def planned(self) -> int:
        """Number of planned arrivals, or in the closed model of calls started."""
        return len(self.table)

    @cached_property
    def total(self) -> OperationSummary:
        """Summary of all operations together."""
        return merged("all", list(self.operations.values()))

    @cached_property
    def operations(self) -> Mapping[str, OperationSummary]:
        """Summaries by operation, in the order of the plan."""
        names = list(self.document.plan.operations)
        return dict(zip(names, _by_group(self.table, names, lambda piece: piece["operation"]), strict=True))

    @cached_property
    def stages(self) -> tuple[tuple[Span, OperationSummary], ...]:
        """Summaries by measured stage."""
        spans = [span for span in self.document.plan.spans if not span.warmup]
        if len(spans) == 1:
            return ((spans[0], dataclasses.replace(self.total, name=spans[0].label)),)
        labels = [span.label for span in spans]
        every = self.document.plan.spans
        stages = _by_group(self.table, labels, lambda piece: stage_of(piece["intended_ns"], every))
        return tuple(zip(spans, stages, strict=True))

    @cached_property
    def measured_s(self) -> float:
        """Measured time in s: as planned, or shorter if the run ended early."""
        planned_s = self.document.plan.duration_s
        if self.facts is None or self.facts.ended_ns is None:
            last_ns = max(
                (int(piece[column].max()) for piece in pieces(self.table) for column in _STAMPS), default=0
            )
            return min(planned_s, last_ns / NS_PER_S)
        return min(planned_s, max(self.facts.ended_ns / NS_PER_S, 0.0))

    @cached_property
    def throughput_per_s(self) -> float:
        """Completed calls per second of measured time."""
        return self.total.outcomes["completed"] / self.measured_s if self.measured_s else 0.0

    @cached_property
    def timeline(self) -> Timeline:
        """Measured time in bins; arrivals planned after the end of an interrupted run are not counted."""
        return Timeline.of(self.table, self.measured_s or self.document.plan.duration_s)

    @cached_property
    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """Counters of the target in the measured time, `{operation: {counter: total}}`."""
        return self.facts.counters if self.facts else {}

    @cached_property
    def held_by(self) -> heldby.Matrix | None:
        """Causes of a blocked event loop while calls of each operation waited, in ns; None without the split."""
        return heldby.load(self.directory.held_by_path, len(self.document.plan.operations))

    @cached_property
    def harness_lag(self) -> Histogram:
        """Start delay caused by neither the target nor the host, over the calls that were sent."""
        return reduce(
            lambda found, piece: Histogram.merge([found, _harness_lag(piece)]),
            pieces(self.table),
            Histogram.empty(),
        )

    def slowest(self, count: int = 10) -> calls.Table:
        """Return the rows with the longest response times, slowest first."""
        found = self.table[:0]
        for piece in pieces(self.table):
            found = np.concatenate([found, returned(piece)])
            response = latencies(found)["response_ns"]
            found = found[np.argsort(response)[::-1][:count]]
        return found


_STAMPS = ("dispatched_ns", "entered_ns", "completed_ns")


def merged(name: str, parts: Sequence[OperationSummary]) -> OperationSummary:
    """Return the summary of all calls of `parts`: equal to the summary of their combined rows."""
    return OperationSummary(
        name,
        {outcome.label: sum(part.outcomes[outcome.label] for part in parts) for outcome in OUTCOME_ORDER},
        {metric: Histogram.merge(part.histograms[metric] for part in parts) for metric in METRICS},
    )


def summarise(name: str, table: calls.Table) -> OperationSummary:
    """Count outcomes and build the histograms of the calls in `table` that returned."""
    (found,) = _by_group(table, [name], lambda piece: np.zeros(len(piece), np.int64))
    return found


def _by_group(
    table: calls.Table, names: Sequence[str], group_of: Callable[[calls.Table], Integers]
) -> list[OperationSummary]:
    """Summarise the rows of each group; `group_of` maps the rows of a chunk to the indices of `names`."""
    found = [_of_rows(name, table[:0]) for name in names]
    for piece in pieces(table):
        group = group_of(piece)
        found = [
            merged(name, [found[number], _of_rows(name, piece[group == number])])
            for number, name in enumerate(names)
        ]
    return found


def _of_rows(name: str, table: calls.Table) -> OperationSummary:
    by_code = np.bincount(table["outcome"], minlength=len(Outcome))
    outcomes = {outcome.label: int(by_code[outcome]) for outcome in OUTCOME_ORDER}
    times = latencies(returned(table))
    return OperationSummary(
        name, outcomes, {metric: Histogram.of(values[values >= 0]) for metric, values in times.items()}
    )


def _harness_lag(table: calls.Table) -> Histogram:
    return Histogram.of(harness_lag_ns(table[table["outcome"] != Outcome.NEVER_STARTED]))


OUTCOME_ORDER = (
    Outcome.COMPLETED,
    Outcome.FAILED,
    Outcome.TIMED_OUT,
    Outcome.DROPPED,
    Outcome.UNFINISHED,
    Outcome.NEVER_STARTED,
)


def load(path: Path) -> RunSummary:
    """Read a run directory.

    Raises `InvalidRunError` if `run.json` or the table of calls is missing or damaged. A run that was killed
    has no facts of the measured process; it is read, and `trouble` lists that.
    """
    directory = RunDirectory(path)
    if not path.is_dir():
        raise InvalidRunError(
            "There is no such run directory", where=str(path), remedy="Name a folder that 'harness run' made"
        )
    document = directory.read()
    trouble = list(document.trouble)
    try:
        facts = directory.read_facts()
    except InvalidRunError as error:
        facts = None
        trouble.append(f"The measured process left no account of itself: {error.what}")
    if facts and facts.stopped and facts.stopped not in trouble:
        trouble.append(f"The run ended before its time: {facts.stopped}")
    if document.status == "running":
        trouble.append("The run was cut off: it has no end in run.json")
    table = whole_table(directory.timing)
    _check(table, document, directory.calls_path)
    warmup, measured = warmup_and_measured(table)
    return RunSummary(directory, document, facts, measured, warmup, tuple(trouble))


def throughput(table_path: Path, measured_s: float) -> float:
    """Return the completed calls per second of a table that has no run directory around it."""
    completed = sum(
        int(np.count_nonzero(piece["outcome"][_within(piece, measured_s)] == Outcome.COMPLETED))
        for piece in pieces(calls.load(table_path))
    )
    return completed / measured_s


def _within(table: calls.Table, measured_s: float) -> npt.NDArray[np.bool_]:
    within: npt.NDArray[np.bool_] = (table["intended_ns"] >= 0) & (
        table["completed_ns"] <= measured_s * NS_PER_S
    )
    return within


def _check(table: calls.Table, document: RunDocument, path: Path) -> None:
    kinds = len(document.plan.operations)
    if any(
        int(piece["outcome"].max()) > max(Outcome) or int(piece["operation"].max()) >= kinds
        for piece in pieces(table)
    ):
        raise InvalidRunError(
            "The table of calls is damaged: a row names an outcome or operation that does not exist",
            where=str(path),
            remedy="Nothing can be said about this run; run the scenario again",
        )
