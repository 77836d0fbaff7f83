"""The vocabulary that every layer shares: outcomes, scenarios, and the seams between harness and target."""

import dataclasses
import enum
import random
from collections.abc import Callable, Collection, Mapping
from typing import Any, ParamSpec, Protocol, TypeVar, runtime_checkable

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_OPERATION = "call"


class Outcome(enum.IntEnum):
    """How one planned call ended. Stored as one byte; zero is what an untouched row says."""

    NEVER_STARTED = 0
    UNFINISHED = 1
    COMPLETED = 2
    FAILED = 3
    TIMED_OUT = 4
    DROPPED = 5

    @property
    def label(self) -> str:
        """The name used in JSON and reports, for example `never_started`."""
        return self.name.lower()

    @property
    def returned(self) -> bool:
        """True if the call came back, so that it has a service time."""
        return self in {Outcome.COMPLETED, Outcome.FAILED, Outcome.TIMED_OUT}


class Arrivals(enum.StrEnum):
    """How arrivals of the open model are spread over the area under the rate curve."""

    UNIFORM = "uniform"
    POISSON = "poisson"
    REPLAY = "replay"
    """As they were recorded; those of warm-up, of which there is no record, as of `POISSON`."""


class Executor(enum.StrEnum):
    """Who decides when the next call starts: the plan (open) or the user who got an answer (closed)."""

    OPEN = "open"
    CLOSED = "closed"


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """A span of a scenario; its rate goes linearly from `start` to `end`, in multiples of the scenario's rate.

    `share` is its part of the duration; of stages with `warmup`, which come before all others, the part of the time of
    warm-up: their calls are in no result. `slo` are limits for this stage alone, such as `p99<25ms,errors<0.1%`.
    """

    label: str
    share: float
    start: float = 1.0
    end: float = 1.0
    warmup: bool = False
    slo: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """What is done to a target: pure data, scaled to a rate (or users) and a duration when it runs.

    `operations` maps names to weights; empty means the mix that the target proposes.
    `rate_per_s` of None asks the harness to probe the target and take `probe_share` of what the slowest variant can do:
    half is what a healthy machine holds, and less where the servers of the target have much to do beside it.
    `find_users` asks it to find the number of users beyond which no more calls per second are answered.
    """

    name: str
    summary: str
    stages: tuple[Stage, ...] = (Stage("steady", 1.0),)
    operations: Mapping[str, float] = dataclasses.field(default_factory=dict)
    executor: Executor = Executor.OPEN
    arrivals: Arrivals = Arrivals.POISSON
    rate_per_s: float | None = 100.0
    probe_share: float = 0.5
    users: int = 8
    think_time_s: float = 0.0
    find_users: bool = False
    duration_s: float = 10.0
    warmup_s: float = 2.0
    target: str | None = None


@runtime_checkable
class Target(Protocol):
    """What is measured. Everything but `call` is optional: see the protocols below.

    An exception out of `call` is a failed call, `TimeoutError` a timed-out one. What it returns must be finished: a
    coroutine, a generator, a future or an unread response is refused by name, and so is an async function here or below.
    """

    def call(self, event: Any) -> Any:
        """Handle one event."""


@runtime_checkable
class OffersOperations(Protocol):
    """A target with more than the one operation `call`."""

    operations: Mapping[str, float]


@runtime_checkable
class MakesEvents(Protocol):
    """A target that makes its own events; the same seed must give the same events."""

    def make_event(self, operation: str, rng: random.Random) -> Any:
        """Return the event for one call of `operation`."""


@runtime_checkable
class JudgesResults(Protocol):
    """A target that judges its results itself; those of any other are judged by their HTTP status, where they have one."""

    def outcome(self, result: Any) -> str | Outcome:
        """Return `completed`, `failed` or `timed_out`, or the `Outcome`. Runs after the call, on the driver's time."""


@runtime_checkable
class ExpectsStatuses(Protocol):
    """A target whose answers have an HTTP status, some of which of 400 and above are no failures."""

    expected_statuses: Collection[int | str]
    """Such as `{404}` or `["200-399", 404]`; without one below 400, all below 400 are expected too."""


@runtime_checkable
class ExplainsFailures(Protocol):
    """A target that says why a result is a failure (`JudgesResults`)."""

    def failure(self, result: Any) -> str:
        """Return a short text, the same for all results that failed for one reason: `503 unavailable: redis`."""


@runtime_checkable
class Opens(Protocol):
    """A target with connections to make before the first call."""

    def open(self) -> None:
        """Get ready; runs once, before warm-up."""


@runtime_checkable
class Closes(Protocol):
    """A target with something to give back."""

    def close(self) -> None:
        """Release everything; runs once, after the last call."""


@runtime_checkable
class Counts(Protocol):
    """A target that counts what it does, by operation: back-end calls, cache hits, pool waits."""

    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """Return totals since the start, `{operation: {counter: total}}`; they only grow."""


@runtime_checkable
class RecordsSites(Protocol):
    """A target that counts (`Counts`) and can say which of its functions are behind its counters."""

    def record_sites(self, *, on: bool) -> None:
        """Begin to record, from nothing, or stop; called once the target is open. Off, it must cost nothing."""

    def sites(self) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        """Return totals since recording began, `{operation: {counter: {function: total}}}`."""


class Wrap(Protocol):
    """Carries the current call's identity into another greenlet or thread."""

    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]:
        """Return `function` bound to the call that is running now."""


@runtime_checkable
class Instrumentable(Protocol):
    """A target that hands work to other threads by a way of its own, such as a queue.

    The standard ways need none of this: threads, executors, gevent, `asyncio` (see `harness.target.carrying`).
    """

    def instrument(self, wrap: Wrap) -> None:
        """Apply `wrap` to every function that is handed over, in the call that hands it over; called before `open`."""
