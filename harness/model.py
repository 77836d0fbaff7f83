"""The vocabulary that every layer shares: outcomes, scenarios, and the interfaces between harness and target."""

import dataclasses
import enum
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar, runtime_checkable

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_OPERATION = "call"


class Outcome(enum.IntEnum):
    """The end of one planned call. Stored as one byte; an untouched row is zero."""

    NEVER_STARTED = 0
    UNFINISHED = 1
    COMPLETED = 2
    FAILED = 3
    TIMED_OUT = 4
    DROPPED = 5

    @property
    def label(self) -> str:
        """Name in JSON and reports, for example `never_started`."""
        return self.name.lower()

    @property
    def returned(self) -> bool:
        """Return True if the call returned, so that it has a service time."""
        return self in {Outcome.COMPLETED, Outcome.FAILED, Outcome.TIMED_OUT}


class Arrivals(enum.StrEnum):
    """The distribution of the open model's arrivals over the area under the rate curve."""

    UNIFORM = "uniform"
    POISSON = "poisson"
    REPLAY = "replay"
    """Recorded arrivals; those of warm-up, which has no record, as of `POISSON`."""


class Executor(enum.StrEnum):
    """Trigger of the next call: the plan (open) or the end of the user's previous call (closed)."""

    OPEN = "open"
    CLOSED = "closed"


class Engine(enum.StrEnum):
    """The way in which a measured process runs overlapping calls."""

    GEVENT = "gevent"
    """Greenlets of one patched thread, driven by Locust: synchronous targets."""
    ASYNCIO = "asyncio"
    """Tasks of one event loop in an unpatched process: targets whose `call` is an async function."""
    THREADS = "threads"
    """Real threads of an unpatched process: synchronous targets that gevent's patches break."""


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """A span of a scenario; its rate changes linearly from `start` to `end`, in multiples of the scenario's rate.

    `share` is its part of the duration. Stages with `warmup` come before all others, have their `share` of the warm-up
    time, and are in no result. `slo` are limits for this stage alone, such as `p99<25ms,errors<0.1%`.
    """

    label: str
    share: float
    start: float = 1.0
    end: float = 1.0
    warmup: bool = False
    slo: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """The load on a target: pure data, scaled to a rate (or users) and a duration when it runs.

    `operations` maps names to weights; empty means the mix that the target proposes.
    `rate_per_s` of None makes the harness probe the target and take `probe_share` of the slowest variant's capacity:
    half is sustainable on a healthy machine, and less where the target's servers have much to do beside it.
    `find_users` makes it search the number of users beyond which throughput stops growing.
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
    """The measured object. Everything but `call` is optional: see the protocols below.

    An exception out of `call` is a failed call, `TimeoutError` a timed-out one. Its result must be finished: a coroutine,
    a generator, a future or an unread response is refused by name. If `call` is an async function, it is awaited in one
    event loop, and so are `open`, `close` and `make_event` if they are async; other async methods are refused by name.
    """

    def call(self, event: Any) -> Any:
        """Handle one event."""


@runtime_checkable
class OffersOperations(Protocol):
    """A target with operations other than `call`."""

    operations: Mapping[str, float]


@runtime_checkable
class MakesEvents(Protocol):
    """A target that makes its own events; the same seed must give the same events."""

    def make_event(self, operation: str, rng: random.Random) -> Any:
        """Return the event for one call of `operation`."""


@runtime_checkable
class JudgesResults(Protocol):
    """A target that judges its results itself; other targets are judged by the HTTP status of their results, if any."""

    def outcome(self, result: Any) -> str | Outcome:
        """Return `completed`, `failed` or `timed_out`, or the `Outcome`. Runs after the call, outside its time."""


@runtime_checkable
class ExpectsStatuses(Protocol):
    """A target whose responses have an HTTP status, some of which are expected at 400 and above."""

    expected_statuses: Collection[int | str]
    """Expected statuses such as `{404}` or `["200-399", 404]`; without one below 400, all below 400 are expected too."""


@runtime_checkable
class ExplainsFailures(Protocol):
    """A target that gives the reason of a failed result (`JudgesResults`)."""

    def failure(self, result: Any) -> str:
        """Return a short text, equal for all results with the same reason of failure: `503 unavailable: redis`."""


@runtime_checkable
class Opens(Protocol):
    """A target with connections to make before the first call."""

    def open(self) -> None:
        """Prepare for calls; runs once, before warm-up."""


@runtime_checkable
class Closes(Protocol):
    """A target with resources to release."""

    def close(self) -> None:
        """Release everything; runs once, after the last call."""


@runtime_checkable
class Counts(Protocol):
    """A target that counts its work by operation: back-end calls, cache hits, pool waits."""

    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """Return totals since the start, `{operation: {counter: total}}`; they only grow."""


@runtime_checkable
class RecordsSites(Protocol):
    """A target with counters (`Counts`) that can attribute them to its functions."""

    def record_sites(self, *, on: bool) -> None:
        """Start recording from zero, or stop; called after `open`. While off, it must have no overhead."""

    def sites(self) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        """Return totals since recording began, `{operation: {counter: {function: total}}}`."""


@runtime_checkable
class MakesUsers(Protocol):
    """A target whose users have state, such as a session: its `call` takes the user too, as `call(event, user)`.

    In the closed model each user of the load is one user; in the open model each arrival is a new one.
    """

    def make_user(self, rng: random.Random) -> Any:
        """Return a new user. Runs before the user's first call, outside its time."""


@runtime_checkable
class HasJourney(Protocol):
    """A target whose users make their calls in a fixed order. A call that does not complete ends the journey."""

    journey: Sequence[str | tuple[str, float]]
    """Operations in their order, each alone or with the pause before it in s; without a pause, the user's think time counts."""


@runtime_checkable
class TakesTraceparent(Protocol):
    """A target whose events have headers, for `harness run --traceparent`: its spans then lie within the trace of the call."""

    def with_traceparent(self, event: Any, value: str) -> Any:
        """Return the event with the W3C header `traceparent` of this value, and leave `event` itself unchanged."""


class Wrap(Protocol):
    """A function that carries the current call's identity into another greenlet or thread."""

    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]:
        """Return `function` bound to the currently running call."""


@runtime_checkable
class Instrumentable(Protocol):
    """A target that passes work to other threads by its own means, such as a queue.

    The standard means do not need this: threads, executors, gevent, `asyncio` (see `harness.target.carrying`).
    """

    def instrument(self, wrap: Wrap) -> None:
        """Apply `wrap` to every function passed to another thread, in the call that passes it; called before `open`."""
