"""Stages and a seed to intended start times: pure, in closed form, with exact counts.

The rate is linear within a stage, so the expected number of arrivals up to a time is a piecewise quadratic
A(t). Arrivals are placed by inverting A, therefore a stage holds exactly the integral of its rate (rounded on
the running total, so that nothing drifts over stages). Poisson arrivals are the order statistics of uniform
draws over the stage's area: a Poisson process given its count.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from harness import calls
from harness.clock import NS_PER_S
from harness.errors import UsageError
from harness.model import Arrivals, Scenario, Stage
from harness.trace import Trace

MAX_RATE_PER_S = 1_000_000.0
# Calls of one operation take its events in turn; more distinct events than this are not prepared.
MAX_PAYLOADS = 4096


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """A stage placed in time; the rate goes linearly from `start_rate_per_s` to `end_rate_per_s`."""

    label: str
    start_s: float
    end_s: float
    start_rate_per_s: float
    end_rate_per_s: float
    warmup: bool = False
    slo: str = ""
    """Limits for this stage alone."""

    @property
    def area(self) -> float:
        """The expected number of arrivals."""
        return (self.start_rate_per_s + self.end_rate_per_s) / 2 * (self.end_s - self.start_s)


def spans(scenario: Scenario, rate_per_s: float, duration_s: float, warmup_s: float) -> tuple[Span, ...]:
    """Scale a scenario's stages to a rate and a duration; warm-up is what comes before time zero."""
    measured = _placed([stage for stage in scenario.stages if not stage.warmup], rate_per_s, 0.0, duration_s)
    if not warmup_s:
        return measured
    if own := [stage for stage in scenario.stages if stage.warmup]:
        return (*_placed(own, rate_per_s, -warmup_s, 0.0), *measured)
    # Warm-up goes at the middle rate of the first stage: enough to fill caches, never a first shock.
    first = measured[0]
    rate = max((first.start_rate_per_s + first.end_rate_per_s) / 2, min(rate_per_s, 1.0))
    return (Span("warm-up", -warmup_s, 0.0, rate, rate, warmup=True), *measured)


def _placed(stages: Sequence[Stage], rate_per_s: float, start_s: float, end_s: float) -> tuple[Span, ...]:
    """Place stages one after the other from `start_s` to `end_s`, by their shares."""
    total_share = sum(stage.share for stage in stages)
    length_s = end_s - start_s
    ends = [
        start_s + length_s * share / total_share for share in itertools.accumulate(s.share for s in stages)
    ]
    return tuple(
        Span(
            stage.label, begin_s, finish_s, stage.start * rate_per_s, stage.end * rate_per_s,
            warmup=stage.warmup, slo=stage.slo,
        )
        for stage, begin_s, finish_s in zip(stages, [start_s, *ends], ends, strict=False)
    )  # fmt: skip


def intended_ns(
    plan: tuple[Span, ...], arrivals: Arrivals, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return the sorted intended start times of all spans, in ns from the start of the measured time."""
    parts = []
    for measured in (False, True):
        done, area = 0, 0.0
        for span in (span for span in plan if span.warmup is not measured):
            area += span.area
            count, done = round(area) - done, round(area)
            parts.append(_place(span, _positions(count, arrivals, rng)))
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _positions(count: int, arrivals: Arrivals, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return `count` sorted shares of a stage's area."""
    if arrivals is not Arrivals.UNIFORM:
        return np.sort(rng.random(count))
    return (np.arange(count) + 0.5) / max(count, 1)


def _place(span: Span, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Invert A(t) = r0 t + (r1 - r0) t^2 / (2 T) at `shares` of the span's area."""
    length, first, last = span.end_s - span.start_s, span.start_rate_per_s, span.end_rate_per_s
    # The root in a form without cancellation, also right for a constant rate.
    root = np.sqrt(first**2 + shares * (last**2 - first**2))
    denominator = first + root
    moved = shares * (first + last) * length / np.where(denominator > 0, denominator, 1)
    end_ns = round(span.end_s * NS_PER_S)
    placed = np.rint((span.start_s + moved) * NS_PER_S).astype(np.int64)
    return np.minimum(placed, end_ns - 1)


def stage_of(times_ns: npt.NDArray[np.int64], plan: Sequence[Span]) -> npt.NDArray[np.int64]:
    """Return the number of the measured stage that each time from 0 on lies in; the last one takes what is beyond."""
    starts = [round(span.start_s * NS_PER_S) for span in plan if not span.warmup][1:]
    stages: npt.NDArray[np.int64] = np.searchsorted(np.array(starts, np.int64), times_ns, side="right")
    return stages


def planned_table(
    scenario: Scenario,
    plan: tuple[Span, ...],
    mix: Mapping[str, float],
    seed: int,
    trace: Trace | None = None,
) -> calls.Table:
    """Return the table of the open model: one untouched row per arrival, with its operation and payload.

    With a `trace` the measured time is what was recorded, to the ns; only warm-up is made up.
    """
    rng = np.random.default_rng(seed)
    if trace is None:
        due_ns = intended_ns(plan, scenario.arrivals, rng)
    else:
        warmup = tuple(span for span in plan if span.warmup)
        due_ns = np.concatenate([intended_ns(warmup, scenario.arrivals, rng), trace.times_ns])
    table = np.zeros(len(due_ns), calls.DTYPE)
    table["intended_ns"] = due_ns
    operation = _operations(len(due_ns), mix, rng)
    if trace is not None and trace.names:
        number = np.array([list(mix).index(name) for name in trace.names], np.int64)
        operation[len(due_ns) - len(trace.times_ns) :] = number[trace.operation]
    table["operation"], table["payload"] = operation, _in_turn(operation, len(mix))
    table["run_ns"] = table["wait_busy_ns"] = -1
    return table


def choose(
    count: int, mix: Mapping[str, float], rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Draw the operation of each call by weight; the payloads of an operation are taken in turn."""
    operation = _operations(count, mix, rng)
    return operation, _in_turn(operation, len(mix))


def _operations(count: int, mix: Mapping[str, float], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    weights = np.array(list(mix.values()), float)
    return rng.choice(len(weights), size=count, p=weights / weights.sum())


def _in_turn(operation: npt.NDArray[np.int64], kinds: int) -> npt.NDArray[np.int64]:
    payload = np.zeros(len(operation), np.int64)
    for index in range(kinds):
        mine = operation == index
        payload[mine] = np.arange(int(mine.sum())) % MAX_PAYLOADS
    return payload


def check_size(plan: tuple[Span, ...]) -> None:
    """Refuse, before anything starts, a plan that no run could hold."""
    expected = sum(span.area for span in plan)
    fastest = max(max(span.start_rate_per_s, span.end_rate_per_s) for span in plan)
    if fastest > MAX_RATE_PER_S:
        raise UsageError(
            f"A rate of {fastest:,.0f}/s cannot be driven; the most is {MAX_RATE_PER_S:,.0f}/s",
            remedy="Lower --rate",
        )
    if expected > calls.MAX_ROWS:
        raise UsageError(
            f"The plan has {expected:,.0f} calls; the most is {calls.MAX_ROWS:,}",
            remedy="Lower --rate or --duration",
        )
    if round(sum(span.area for span in plan if not span.warmup)) < 1:
        raise UsageError("The plan has no call", remedy="Raise --rate or --duration")
