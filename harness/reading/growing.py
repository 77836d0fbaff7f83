"""Judge from the samples of a run what its process, or its workers together, keep more and more of."""

import bisect
import dataclasses
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.clock import NS_PER_S
from harness.errors import InvalidRunError
from harness.model import Outcome
from harness.policy.growth import (
    LEAST_S,
    QUANTITIES,
    Course,
    GrowthLimit,
    Verdict,
    growth_of,
    limited,
    tolerance_of,
)
from harness.policy.slo import State
from harness.reading.summary import RunSummary
from harness.run import samples
from harness.run.directory import RunDirectory, decode
from harness.run.facts import LoadFacts
from harness.run.samples import Sample
from harness.table import shares
from harness.units import lower_first

# Measured with requests that do nothing: 13,300 blocks and 0.5 MB for each name.
_LOCUST_BLOCKS_PER_HOUR, _LOCUST_BYTES_PER_HOUR = 18_000.0, 800_000.0
_PACED_BYTES = 8
_SHOWN = ("rss", "blocks", "fds", "threads", "tasks", "greenlets")


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """The values of a quantity over the measured time, in s from its start."""

    times_s: tuple[float, ...]
    values: tuple[float, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Growth:
    """The growth of a run by quantity; `why_not` is the reason where it is not judged, empty for a short run too.

    `sample_ns` is the median time that a sample took, None without samples.
    """

    series: Mapping[str, Series]
    verdicts: tuple[Verdict, ...] = ()
    why_not: str = ""
    sample_ns: float | None = None
    calls_per_s: float = 0.0
    own: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Growth per hour that is at most the load generator's, by quantity."""
    is_of_server: bool = False
    """True if the harness started a server for the run, and sampled its process tree."""

    @property
    def growing(self) -> tuple[Verdict, ...]:
        """The verdicts on what grows."""
        return self.of(Course.GROWS)

    def of(self, course: Course) -> tuple[Verdict, ...]:
        """Return the verdicts of a course."""
        return tuple(verdict for verdict in self.verdicts if verdict.course is course)

    def holds(self, limit: GrowthLimit) -> tuple[State, str, Verdict | None]:
        """Return the state of a limit with its reason, and the verdict behind it."""
        if self.why_not:
            return State.NOT_CERTIFIED, self.why_not, None
        if limit.quantity not in self.series:
            return (
                State.NOT_CERTIFIED,
                f"this run has no samples of {QUANTITIES[limit.quantity].name}",
                None,
            )
        verdict = self.judged(limit.quantity, tolerance_of(limit))
        return limited(verdict, limit), verdict.sentence, verdict

    def judged(self, quantity: str, tolerance: float | None = None) -> Verdict:
        """Return the verdict on a quantity that was sampled, for a growth an hour that would not matter."""
        series = self.series[quantity]
        return growth_of(
            QUANTITIES[quantity],
            series.times_s,
            series.values,
            calls_per_s=self.calls_per_s,
            tolerance=tolerance,
            own=self.own.get(quantity, 0.0),
        )


def growth(run: RunSummary) -> Growth:
    """Return what grew in a run. A run under a minute, or one whose load changes, has series but no verdicts.

    It is the server that the harness started for the run, or else the measured process, or its workers together.
    """
    answered = sum(run.total.outcomes[outcome.label] for outcome in Outcome if outcome.returned)
    calls_per_s = answered / run.measured_s if run.measured_s else 0.0
    try:
        found = _of_server(run) if run.document.served else _of_processes(run, calls_per_s)
    except InvalidRunError as error:
        return Growth({}, why_not=lower_first(error.what))
    found = dataclasses.replace(found, why_not=_why_not(run) if found.series else "", calls_per_s=calls_per_s)
    if found.why_not or run.measured_s < LEAST_S:
        return found
    return dataclasses.replace(found, verdicts=tuple(found.judged(name) for name in found.series))


def _of_server(run: RunSummary) -> Growth:
    served = run.document.served
    assert served is not None  # noqa: S101 - asked before
    usage = served.usage
    within = [place for place, time_s in enumerate(usage.at_s) if 0 <= time_s <= run.measured_s]
    columns = {
        "rss": usage.rss_bytes,
        "fds": usage.descriptors,
        "threads": usage.threads,
        "processes": usage.processes,
    }
    times_s = tuple(usage.at_s[place] for place in within)
    return Growth(
        {
            name: Series(times_s, tuple(float(column[place]) for place in within))
            for name, column in columns.items()
            if within
        },
        is_of_server=True,
    )


def _of_processes(run: RunSummary, calls_per_s: float) -> Growth:
    """Return the series of the measured process, or of the workers together. Raises `InvalidRunError` for damaged samples."""
    folders = shares.part_folders(run.directory.timing) or [run.directory.timing]
    parts = [_part(folder, run) for folder in folders]
    if not all(parts):
        return Growth({})
    return Growth(
        {name: series for name in _SHOWN if (series := _together([_series(part, name) for part in parts]))},
        sample_ns=statistics.median(sample.took_ns for part in parts for _, sample in part),
        own=_own(run, len(parts), calls_per_s),
    )


def as_json(found: Growth) -> dict[str, Any] | None:
    """Return the growth of a run as `harness run --json` prints it, per hour and in base units; None without samples."""
    if not found.series:
        return None
    return {
        "of": "server" if found.is_of_server else "process",
        "sample_ns": found.sample_ns,
        "why_not": found.why_not,
        "quantities": {verdict.quantity.key: _verdict_json(verdict) for verdict in found.verdicts},
    }


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    per_call = verdict.per_call or (None, None, None)
    return {
        "verdict": str(verdict.course),
        "per_hour": verdict.per_hour,
        "low": verdict.low,
        "high": verdict.high,
        **dict(zip(("per_call", "per_call_low", "per_call_high"), per_call, strict=True)),
        "more_s": verdict.more_s,
        "sentence": verdict.sentence,
    }


def _own(run: RunSummary, processes: int, calls_per_s: float) -> dict[str, float]:
    """Return the growth of Locust's statistics: of each name, two counts for every second; and of the tasks that are paced.

    The harness's own users grow by nothing.
    """
    if run.document.locust is None:
        return {}
    counted = (len(run.document.plan.operations) + 1) * processes
    return {
        "rss": counted * _LOCUST_BYTES_PER_HOUR + calls_per_s * 3600 * _PACED_BYTES,
        "blocks": counted * _LOCUST_BLOCKS_PER_HOUR,
    }


def _why_not(run: RunSummary) -> str:
    """Return why growth cannot be told from the load; empty where the load is one."""
    spans = [span for span in run.document.plan.spans if not span.warmup]
    rates = {rate for span in spans for rate in (span.start_rate_per_s, span.end_rate_per_s)}
    locust = run.document.locust
    users = {number for _, number in locust.users} if locust else set()
    changes = len(rates) > 1 if run.document.plan.executor == "open" else len(users) > 1 and len(spans) > 1
    return "the load changes, and growth is judged under one load" if changes else ""


_Timed = tuple[float, Sample]


def _part(folder: Path, run: RunSummary) -> list[_Timed]:
    """Return the samples of one process in the measured time, with their times."""
    try:
        facts = decode(folder / RunDirectory.FACTS, LoadFacts)
    except InvalidRunError:
        return []
    taken = samples.read(folder / RunDirectory.SAMPLES)
    timed = [((sample.at_ns - facts.origin_ns) / NS_PER_S, sample) for sample in taken]
    return [(time_s, sample) for time_s, sample in timed if 0 <= time_s <= run.measured_s]


def _series(part: Iterable[_Timed], name: str) -> Series:
    known = [(time_s, value) for time_s, sample in part if (value := _value(sample, name)) is not None]
    return Series(tuple(time_s for time_s, _ in known), tuple(float(value) for _, value in known))


def _value(sample: Sample, name: str) -> int | None:
    if name == "rss":
        return sample.rss_bytes if sample.own_bytes is None else sample.own_bytes
    value: int | None = getattr(sample, name)
    return value


def _together(parts: Sequence[Series]) -> Series | None:
    """Return the sum over processes at the times of the first, while all were sampled; None where one was not."""
    if not all(part.times_s for part in parts):
        return None
    start_s, end_s = max(part.times_s[0] for part in parts), min(part.times_s[-1] for part in parts)
    times_s = tuple(time_s for time_s in parts[0].times_s if start_s <= time_s <= end_s)
    return Series(times_s, tuple(sum(_at(part, time_s) for part in parts) for time_s in times_s))


def _at(part: Series, time_s: float) -> float:
    return part.values[bisect.bisect_right(part.times_s, time_s) - 1]
