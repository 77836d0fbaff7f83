"""One run as a column of the report: its label, its numbers, and whether latencies are shown."""

import collections
import dataclasses
from collections.abc import Sequence

from harness.policy.thresholds import Level
from harness.reading.judging import JudgedRun
from harness.reading.summary import OperationSummary, RunSummary
from harness.table.histogram import Histogram
from harness.units import lower_first


@dataclasses.dataclass(frozen=True, slots=True)
class Side:
    """One run under a label that is unique in the report."""

    label: str
    judged: JudgedRun

    @property
    def run(self) -> RunSummary:
        """Numbers of the run."""
        return self.judged.run

    @property
    def withheld(self) -> str:
        """Reason why latencies of this run are not shown; empty where they are."""
        if self.judged.validity.level is not Level.INVALID:
            return ""
        return f"{self.label} is invalid: {lower_first(self.judged.validity.reasons[0])}"

    @property
    def returned(self) -> int:
        """Number of calls that returned in the measured time."""
        return self.run.total.count

    @property
    def requests(self) -> int:
        """Divisor of per-request figures: requests as counted by the target, else calls that returned."""
        return self.counter("requests") or self.returned

    def counter(self, name: str) -> int:
        """Return the total of one counter over all operations; 0 if the target did not count it."""
        return sum(counters.get(name, 0) for counters in self.run.counters.values())

    @property
    def counter_names(self) -> list[str]:
        """All counters of the target, sorted."""
        return sorted({name for counters in self.run.counters.values() for name in counters})

    @property
    def backends(self) -> list[str]:
        """Names of the back ends whose calls the target counted."""
        return [name.removesuffix(".calls") for name in self.counter_names if name.endswith(".calls")]

    def per_request(self, name: str) -> float | None:
        """Return a counter per request; None where the target has no counters."""
        if not self.run.counters or not self.requests:
            return None
        return self.counter(name) / self.requests

    def mean_ns(self, metric: str, operation: str | None = None) -> float | None:
        """Return the mean of a metric over the calls that returned, of one operation or of all."""
        return self.histogram(metric, operation).mean

    def histogram(self, metric: str, operation: str | None = None) -> Histogram:
        """Return the histogram of a metric; empty where the run lacks the operation."""
        summary = self.summary(operation)
        return summary.histograms[metric] if summary else Histogram.empty()

    def summary(self, operation: str | None) -> OperationSummary | None:
        """Return the numbers of one operation, or of all for None."""
        return self.run.total if operation is None else self.run.operations.get(operation)


def sides_of(judged: Sequence[JudgedRun]) -> tuple[Side, ...]:
    """Label the runs: by variant or target, with the scenario, then a number where that is not unique."""
    runs = [one.run for one in judged]
    labels = [run.label for run in runs]
    if len({run.document.scenario for run in runs}) > 1:
        labels = [f"{run.document.scenario} · {run.label}" for run in runs]
    elif len({run.document.target for run in runs}) > 1:
        labels = [" · ".join(filter(None, (run.document.target, run.document.variant))) for run in runs]
    total = collections.Counter(labels)
    seen: collections.Counter[str] = collections.Counter()
    unique = []
    for label in labels:
        seen[label] += 1
        unique.append(f"{label} #{seen[label]}" if total[label] > 1 else label)
    return tuple(Side(label, one) for label, one in zip(unique, judged, strict=True))


def heads(sides: Sequence[Side]) -> tuple[str, ...]:
    """Return the column heads of the runs: their labels, or `value` for a single run."""
    return tuple(side.label for side in sides) if len(sides) > 1 else ("value",)


def operation_names(sides: Sequence[Side]) -> list[str]:
    """Return every operation of any run, in the order of the plans."""
    return list(dict.fromkeys(name for side in sides for name in side.run.operations))
