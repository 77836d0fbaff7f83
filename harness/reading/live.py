"""Read the figures of a run while it is measured, from its tables of calls: the measured process is not disturbed.

Figures are of the current phase, warm-up or the measured time: of all of it so far, and of its last seconds.
Percentiles are over the calls that returned. Calls in flight are shown beside them with the waiting time of the
oldest one, because percentiles do not show a target that has stopped answering.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from harness.clock import NS_PER_S
from harness.model import Outcome
from harness.plans.span import Span
from harness.reading.follower import Ended, Follower
from harness.table.histogram import Histogram

RECENT_S = 5.0
_BIN_NS = NS_PER_S // 4
_BINS = round(RECENT_S * NS_PER_S) // _BIN_NS
# A rate over a shorter time is too inaccurate to show.
_LEAST_S = 0.5
_ENDED = (Outcome.COMPLETED, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.DROPPED)


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """Rates and response times over some time; a rate is None in a closed model, or over too short a time."""

    span_s: float
    planned_per_s: float | None
    completed_per_s: float | None
    response: Histogram


@dataclasses.dataclass(frozen=True, slots=True)
class Glance:
    """State of a run `elapsed_s` after time zero."""

    elapsed_s: float
    stage: str
    recent: Figures
    so_far: Figures
    outcomes: Mapping[str, int]
    """Number of calls of this phase so far, by outcome."""
    in_flight: int
    waiting: int
    """Number of arrivals that are due but not sent yet."""
    oldest_s: float | None
    """Time since the intended start of the oldest call that is in flight or due, in s."""


class Tally:
    """Calls of one phase that ended: all by outcome and response time, those of the last seconds also in short bins."""

    def __init__(self) -> None:
        self.outcomes = np.zeros(len(Outcome), np.int64)
        self.response = Histogram.empty()
        self._bins: dict[int, tuple[int, Histogram]] = {}

    def add(self, ended: Ended) -> None:
        """Count calls that ended."""
        self.outcomes += np.bincount(ended.outcome, minlength=len(Outcome))
        back = ended.where((ended.outcome >= Outcome.COMPLETED) & (ended.outcome <= Outcome.TIMED_OUT))
        if not len(back.outcome):
            return
        response_ns = np.maximum(back.completed_ns - back.intended_ns, 0)
        self.response = Histogram.merge([self.response, Histogram.of(response_ns)])
        place = back.completed_ns // _BIN_NS
        newest = max(int(place.max()), *self._bins) if self._bins else int(place.max())
        for number in range(max(int(place.min()), newest - _BINS), newest + 1):
            mine = place == number
            if mine.any():
                count, response = self._bins.get(number, (0, Histogram.empty()))
                merged = Histogram.merge([response, Histogram.of(response_ns[mine])])
                is_completed = back.outcome[mine] == Outcome.COMPLETED
                self._bins[number] = count + int(np.count_nonzero(is_completed)), merged
        self._bins = {number: held for number, held in self._bins.items() if number >= newest - _BINS}

    def since(self, moment_ns: int) -> tuple[int, Histogram]:
        """Return the number of completed calls and the response times of returned ones since the bin at `moment_ns`."""
        held = [held for number, held in self._bins.items() if number >= moment_ns // _BIN_NS]
        return sum(count for count, _ in held), Histogram.merge(response for _, response in held)


class LiveRun:
    """One run that is read repeatedly. Use as a context manager."""

    def __init__(self, tables: Sequence[Path], plan: Sequence[Span], *, is_open: bool) -> None:
        """Follow the tables of a run, one for each worker; `is_open` says that they hold the plan."""
        self._followers = [Follower(path) for path in tables]
        self._plan = plan
        self._is_open = is_open
        self._warmup, self._measured = Tally(), Tally()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for follower in self._followers:
            follower.close()

    def look(self, elapsed_s: float) -> Glance:
        """Return the state of the run; `elapsed_s` counts from time zero and never falls."""
        for follower in self._followers:
            for ended in follower.look():
                is_warm = ended.intended_ns < 0
                self._warmup.add(ended.where(is_warm))
                self._measured.add(ended.where(~is_warm))
        is_warmup = elapsed_s < 0
        start_s, end_s = (self._plan[0].start_s, 0.0) if is_warmup else (0.0, self._plan[-1].end_s)
        tally = self._warmup if is_warmup else self._measured
        now_ns = round(elapsed_s * NS_PER_S)
        first_ns = max(
            (now_ns - round(RECENT_S * NS_PER_S)) // _BIN_NS * _BIN_NS + _BIN_NS, round(start_s * NS_PER_S)
        )
        waiting = sum(self._waiting(follower, now_ns) for follower in self._followers)
        return Glance(
            elapsed_s=elapsed_s,
            stage=stage_at(self._plan, elapsed_s),
            recent=self._figures(first_ns, now_ns, *tally.since(first_ns)),
            so_far=self._figures(
                round(start_s * NS_PER_S), min(now_ns, round(end_s * NS_PER_S)),
                int(tally.outcomes[Outcome.COMPLETED]), tally.response,
            ),
            outcomes={outcome.label: int(tally.outcomes[outcome]) for outcome in _ENDED},
            in_flight=sum(follower.in_flight for follower in self._followers),
            waiting=waiting,
            oldest_s=self._oldest_s(now_ns),
        )  # fmt: skip

    def _waiting(self, follower: Follower, now_ns: int) -> int:
        return max(follower.due(now_ns) - follower.let_go, 0) if self._is_open else 0

    def _figures(self, from_ns: int, to_ns: int, completed: int, response: Histogram) -> Figures:
        span_s = max(to_ns - from_ns, 0) / NS_PER_S
        if span_s < _LEAST_S:
            return Figures(span_s, None, None, response)
        planned_per_s = None
        if self._is_open:
            planned = sum(follower.due(to_ns) - follower.due(from_ns) for follower in self._followers)
            planned_per_s = planned / span_s
        return Figures(span_s, planned_per_s, completed / span_s, response)

    def _oldest_s(self, now_ns: int) -> float | None:
        since = [follower.oldest_ns for follower in self._followers if follower.oldest_ns is not None]
        since += [
            follower.intended_ns(follower.let_go)
            for follower in self._followers
            if self._waiting(follower, now_ns)
        ]
        return max((now_ns - min(since)) / NS_PER_S, 0.0) if since else None


def stage_at(plan: Sequence[Span], elapsed_s: float) -> str:
    """Return the label of the current stage, or the name of the phase before the first or after the last one."""
    if elapsed_s < plan[0].start_s:
        return "about to start"
    for span in plan:
        if elapsed_s < span.end_s:
            return span.label
    return "waiting for the last calls"
