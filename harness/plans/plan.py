"""Compute intended start times from stages and a seed: pure, in closed form, with exact counts.

The rate is linear within a stage, so the expected number of arrivals up to a time is a piecewise quadratic A(t).
Arrivals are placed by inverting A, so a stage holds exactly the integral of its rate (rounded on the running total,
without drift over the stages). Poisson arrivals are the order statistics of uniform draws over the stage's area: a
Poisson process given its count.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from harness.clock import NS_PER_S
from harness.errors import UsageError
from harness.model import Arrivals, Scenario, Stage
from harness.plans.span import Span
from harness.plans.trace import Trace
from harness.table import calls
from harness.table.pieces import pieces

_BLOCK_ROWS = 65_536
MAX_RATE_PER_S = 1_000_000.0
# Stored runs number their stages in one byte, and reading one takes memory by its seconds.
MAX_STAGES = 256
MAX_DURATION_S = 366 * 86_400.0
# Calls of one operation use its events in turn; at most this many distinct events are prepared.
MAX_PAYLOADS = 4096


def spans(scenario: Scenario, rate_per_s: float, duration_s: float, warmup_s: float) -> tuple[Span, ...]:
    """Scale a scenario's stages to a rate and a duration; warm-up lies before time zero.

    Raises `UsageError` for more stages, or a longer duration, than a run can hold.
    """
    if len(scenario.stages) >= MAX_STAGES:
        raise UsageError(
            f"The plan has {len(scenario.stages)} stages; the most is {MAX_STAGES - 1}",
            remedy="Divide it into several runs",
        )
    if max(duration_s, warmup_s) > MAX_DURATION_S:
        raise UsageError(
            f"The plan lasts {max(duration_s, warmup_s) / 86_400:,.0f} days; the most is {MAX_DURATION_S / 86_400:,.0f}",
            remedy="Lower --duration or --warmup",
        )
    measured = _placed([stage for stage in scenario.stages if not stage.warmup], rate_per_s, 0.0, duration_s)
    if not warmup_s:
        return measured
    if own := [stage for stage in scenario.stages if stage.warmup]:
        return (*_placed(own, rate_per_s, -warmup_s, 0.0), *measured)
    # Warm-up uses the middle rate of the first stage: enough to fill caches, without a sudden peak.
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
    blocks = list(_intended_blocks(plan, arrivals, rng))
    return np.concatenate(blocks) if blocks else np.zeros(0, np.int64)


def _intended_blocks(
    plan: tuple[Span, ...], arrivals: Arrivals, rng: np.random.Generator
) -> Iterator[npt.NDArray[np.int64]]:
    for measured in (False, True):
        done, area = 0, 0.0
        for span in (span for span in plan if span.warmup is not measured):
            area += span.area
            count, done = round(area) - done, round(area)
            yield from (_place(span, shares) for shares in _positions(count, arrivals, rng))


def _positions(count: int, arrivals: Arrivals, rng: np.random.Generator) -> Iterator[npt.NDArray[np.float64]]:
    """Yield `count` sorted shares of a stage's area, in blocks, so that memory does not grow with the stage."""
    blocks = max(math.ceil(count / _BLOCK_ROWS), 1)
    if arrivals is Arrivals.UNIFORM:
        for start in range(0, count, _BLOCK_ROWS):
            yield (np.arange(start, min(start + _BLOCK_ROWS, count)) + 0.5) / count
        return
    # The number of draws in each block is multinomial; within its block each draw is uniform.
    for block, inside in enumerate(rng.multinomial(count, [1 / blocks] * blocks) if blocks > 1 else [count]):
        yield (block + np.sort(rng.random(int(inside)))) / blocks


def _place(span: Span, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Invert A(t) = r0 t + (r1 - r0) t^2 / (2 T) at `shares` of the span's area."""
    length, first, last = span.end_s - span.start_s, span.start_rate_per_s, span.end_rate_per_s
    # The form of the root without cancellation, also correct for a constant rate.
    root = np.sqrt(first**2 + shares * (last**2 - first**2))
    denominator = first + root
    moved = shares * (first + last) * length / np.where(denominator > 0, denominator, 1)
    end_ns = round(span.end_s * NS_PER_S)
    placed = np.rint((span.start_s + moved) * NS_PER_S).astype(np.int64)
    return np.minimum(placed, end_ns - 1)


def stage_of(times_ns: npt.NDArray[np.int64], plan: Sequence[Span]) -> npt.NDArray[np.int64]:
    """Return the number of the measured stage of each time from 0 on; later times belong to the last stage."""
    starts = [round(span.start_s * NS_PER_S) for span in plan if not span.warmup][1:]
    stages: npt.NDArray[np.int64] = np.searchsorted(np.array(starts, np.int64), times_ns, side="right")
    return stages


def _in_memory(rows: int) -> calls.Table:
    return np.zeros(rows, calls.DTYPE)


def planned_table(
    scenario: Scenario,
    plan: tuple[Span, ...],
    mix: Mapping[str, float],
    seed: int,
    trace: Trace | None = None,
    make: Callable[[int], calls.Table] = _in_memory,
) -> calls.Table:
    """Return the table of the open model: one untouched row per arrival, with its operation and payload.

    `make` returns a table of zeros for a number of rows.

    With a `trace` the measured time repeats the recording to the ns; only warm-up is generated.
    """
    rng = np.random.default_rng(seed)
    made_up = plan if trace is None else tuple(span for span in plan if span.warmup)
    recorded_ns = np.zeros(0, np.int64) if trace is None else trace.times_ns
    first = _arrivals(made_up)
    table = make(first + len(recorded_ns))
    start = 0
    for block in _intended_blocks(made_up, scenario.arrivals, rng):
        table["intended_ns"][start : start + len(block)] = block
        start += len(block)
    table["intended_ns"][first:] = recorded_ns
    _choose_into(table, mix, rng)
    if trace is not None and trace.names:
        number = np.array([list(mix).index(name) for name in trace.names], np.int64)
        table["operation"][first:] = number[trace.operation]
        table["payload"] = _in_turn(table["operation"], np.zeros(len(mix), np.int64))
    return table


def _arrivals(plan: tuple[Span, ...]) -> int:
    """Return the number of arrivals of the plan: each group of spans is rounded once, on its whole area."""
    areas = (sum(span.area for span in plan if span.warmup is warmup) for warmup in (True, False))
    return sum(map(round, areas))


def _choose_into(table: calls.Table, mix: Mapping[str, float], rng: np.random.Generator) -> None:
    turns = np.zeros(len(mix), np.int64)
    for piece in pieces(table, _BLOCK_ROWS):
        operation = _operations(len(piece), mix, rng)
        piece["operation"], piece["payload"] = operation, _in_turn(operation, turns)
        piece["run_ns"] = piece["wait_busy_ns"] = -1


def choose(
    count: int, mix: Mapping[str, float], rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Draw the operation of each call by weight; the payloads of an operation are used in turn."""
    operation = _operations(count, mix, rng)
    return operation, _in_turn(operation, np.zeros(len(mix), np.int64))


def _operations(count: int, mix: Mapping[str, float], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    weights = np.array(list(mix.values()), float)
    return rng.choice(len(weights), size=count, p=weights / weights.sum())


def _in_turn(operation: npt.NDArray[np.int64], turns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the payload of each call; updates `turns`, the number of calls of each operation so far."""
    payload = np.zeros(len(operation), np.int64)
    for index, turn in enumerate(turns.tolist()):
        mine = operation == index
        count = int(np.count_nonzero(mine))
        payload[mine] = (turn + np.arange(count)) % MAX_PAYLOADS
        turns[index] += count
    return payload


def check_size(plan: tuple[Span, ...]) -> None:
    """Raise `UsageError`, before anything starts, for a plan that no run could hold."""
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
        raise UsageError("The plan has no calls", remedy="Raise --rate or --duration")
