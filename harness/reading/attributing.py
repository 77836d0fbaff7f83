"""Divide the change of a mean, p95 or p99 response time between two runs by part and by function."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

from harness.profiles.capture.wait import ByLatency, read_by_latency
from harness.profiles.difference.attribution import (
    RUN,
    WAIT_BUSY,
    WAIT_IDLE,
    Attributed,
    Latency,
    Own,
    attribute,
    own_weights,
)
from harness.profiles.stacks.folded import Profile
from harness.reading.summary import RunSummary
from harness.reading.tails import STRETCHES, Around, Tail, read_tails
from harness.stats.student import student_quantile
from harness.table.histogram import PERCENTILES

MEAN = "mean response"
_TAILS = ("p95", "p99")
_OPERATIONS = 5
_LEAST_CALLS = 30
_CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True, slots=True)
class ChangeOfTime:
    """One time of one operation in two runs. `parts` is empty where too few calls lie around the percentile.

    The parts are means over `calls`, before and after; `reach_ns` is half the width of the 95 % interval
    of a part's change, where known. `has_run` is true where the functions of CPU time are known.
    """

    operation: str
    metric: str
    before_ns: float
    after_ns: float
    calls: tuple[int, int]
    parts: tuple[Attributed, ...] = ()
    reach_ns: Mapping[str, float] = dataclasses.field(default_factory=dict)
    has_run: bool = False

    @property
    def change_ns(self) -> float:
        """Increase of the time from the first run to the second, in ns."""
        return self.after_ns - self.before_ns


@dataclasses.dataclass(frozen=True, slots=True)
class _Seen:
    """Data of one operation in one run."""

    run: RunSummary
    tail: Tail
    cpu: Profile | None
    waits: ByLatency | None


def changes_of_time(
    runs: Sequence[RunSummary], cpu: Sequence[Mapping[str, Profile]]
) -> tuple[ChangeOfTime, ...]:
    """Divide the largest changes of mean response, by operation, from the first of two runs to the last.

    The mean of an operation is followed by its p95 and p99. `cpu` holds the CPU profiles of each run by operation.
    """
    tails = [read_tails(run) for run in runs]
    waits = [read_by_latency(run.directory.waits_by_latency_path) for run in runs]
    made = []
    for name in dict.fromkeys(name for run in runs for name in run.operations):
        if all(name in found and found[name].count >= _LEAST_CALLS for found in tails):
            seen = [
                _Seen(run, tails[place][name], cpu[place].get(name), waits[place])
                for place, run in enumerate(runs)
            ]
            made.append(tuple(_of_operation(name, seen)))
    made.sort(key=lambda found: -abs(found[0].change_ns) * min(found[0].calls))
    return tuple(one for found in made[:_OPERATIONS] for one in found)


def _of_operation(name: str, seen: Sequence[_Seen]) -> Iterator[ChangeOfTime]:
    response = [one.run.operations[name].histograms["response_ns"] for one in seen]
    means = [one.tail.mean() for one in seen]
    yield _divided(
        name, MEAN, [histogram.mean or 0.0 for histogram in response], means, _own(name, seen, means)
    )
    for metric in _TAILS:
        share = PERCENTILES[metric]
        values = [histogram.supported_percentile(share) for histogram in response]
        around = [calls for one in seen if (calls := one.tail.around(share))]
        known = [value for value in values if value is not None]
        if len(around) < len(seen) or len(known) < len(seen):
            yield ChangeOfTime(name, metric, 0.0, 0.0, (seen[0].tail.count, seen[1].tail.count))
            continue
        # A CPU profile does not distinguish slow calls.
        own = {part: weights for part, weights in _own(name, seen, around).items() if part != RUN}
        yield _divided(name, metric, known, around, own)


def _own(name: str, seen: Sequence[_Seen], around: Sequence[Around]) -> dict[str, tuple[Own, Own]]:
    """Return the functions of each part for which both sides have a profile."""
    found: dict[str, tuple[Own, Own]] = {}
    before, after = (one.cpu for one in seen)
    if before and after and before.total > 0 and after.total > 0:
        found[RUN] = own_weights(before), own_weights(after)
    waits = [
        one.waits.of(name, calls.bucket_shares)
        for one, calls in zip(seen, around, strict=True)
        if one.waits is not None
    ]
    if len(waits) == len(seen):
        for place, part in enumerate((WAIT_IDLE, WAIT_BUSY)):
            found[part] = waits[0][place], waits[1][place]
    return found


def _divided(
    name: str,
    metric: str,
    values: Sequence[float],
    around: Sequence[Around],
    own: Mapping[str, tuple[Own, Own]],
) -> ChangeOfTime:
    before, after = (Latency(value, found.parts_ns) for value, found in zip(values, around, strict=True))
    parts = tuple(attribute(before, after, own))
    return ChangeOfTime(
        operation=name,
        metric=metric,
        before_ns=before.whole_ns,
        after_ns=after.whole_ns,
        calls=(around[0].calls, around[1].calls),
        parts=parts,
        reach_ns={
            part.name: reach
            for part in parts
            if part.kind == "part" and (reach := _reach_ns(part.name, around)) is not None
        },
        has_run=RUN in own,
    )


def _reach_ns(part: str, around: Sequence[Around]) -> float | None:
    """Return the uncertainty of a part's change in ns; None where too few time slices have calls."""
    errors = [error for found in around if (error := found.errors_ns.get(part)) is not None]
    if len(errors) < len(around):
        return None
    return student_quantile(_CONFIDENCE, 2 * (STRETCHES - 1)) * math.hypot(*errors)
