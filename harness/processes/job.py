"""Messages between the supervisor and the measured process: JSON lines over the child's stdin and stdout.

`job -> ready(operations) -> go(mix) -> started -> done`, with `armed -> start(origin)` before `started` in each of several
processes of one run, or `error` at any point. Passwords are not part of a job: they
travel in the child's environment.
"""

from typing import Literal, Self

import msgspec

from harness.errors import ExitCode, HarnessError, InvalidRunError, RefusedError, UsageError
from harness.model import Engine, Executor
from harness.plans.span import Span
from harness.redaction.redact import redact_text


class Share(msgspec.Struct, frozen=True):
    """The part of one of several processes that are one run without Locust; `spans` are those of the whole plan."""

    number: int
    workers: int
    spans: tuple[Span, ...]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A measurement to carry out, and the folder for its results."""

    kind: Literal["load", "memory", "count", "trace", "look"]
    """Measurement, or `look`: only make the target and report on it."""
    engine: Engine | None = None
    """Engine that drives a `load`; None until the target has shown which one it needs."""
    folder: str
    factory: str
    parameters: dict[str, str]
    seed: int
    executor: Executor = Executor.OPEN
    users: int = 1
    think_time_s: float = 0.0
    duration_s: float = 0.0
    warmup_s: float = 0.0
    in_flight_limit: int = 1
    drain_s: float = 5.0
    split: bool = True
    waits: bool = False
    """With the split: also record the stacks on which calls waited."""
    traceparent: bool = False
    """True to give the target the header `traceparent` of each call of a `load`."""
    requests: int = 0
    """For `memory`: number of calls to trace, after as many to warm up. For `count` and `trace`: the number for each operation."""
    follow_fork: bool = False
    """True to trace forks of the process too (`memory`)."""
    share: Share | None = None
    """The share of a `load` in `users`, `in_flight_limit` and the table; None for the whole of it."""
    overlay: str | None = None
    """Folder that comes first on the target's import path: see `harness.processes.tree`."""

    @property
    def traced_by(self) -> int | None:
        """The seed of the headers of calls; None for a run without headers."""
        return self.seed if self.traceparent else None


class Go(msgspec.Struct, frozen=True, tag="go"):
    """The plan is written and the run may start. `operations` is the mix, in the order of the table's operation numbers."""

    operations: dict[str, float]


class Start(msgspec.Struct, frozen=True, tag="start"):
    """All processes of a run are armed; `origin_ns` is the clock at their common time zero."""

    origin_ns: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The target is made and open. `operations` are those that it offers, with its own weights.

    `file` is the path of the code at the SPEC's place, `opening_ns` the time taken to import, make and open the target,
    `engine` the way in which overlapping calls of a load run.
    """

    operations: dict[str, float]
    file: str = ""
    opening_ns: int = 0
    engine: Engine = Engine.GEVENT
    journey: list[str] = []
    """Operations of the journey of the target's users, in their order; empty if calls are drawn by weight."""
    notes: tuple[str, ...] = ()
    """Sentences about the target that degrade a run of it."""
    remarks: tuple[str, ...] = ()
    """Sentences about the target's requests that do not."""


class Armed(msgspec.Struct, frozen=True, tag="armed"):
    """One of several processes has prepared everything, and waits for `Start`."""


class Started(msgspec.Struct, frozen=True, tag="started"):
    """Warm-up has begun; the measured time is from `origin_ns` to `end_ns` of the clock."""

    origin_ns: int
    end_ns: int


class Doing(msgspec.Struct, frozen=True, tag="doing"):
    """Method of the target that runs now, outside of calls: `open()` or `close()`."""

    what: str


class Done(msgspec.Struct, frozen=True, tag="done"):
    """All results are written."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The measured process cannot continue; `exit_code` is that of its error."""

    what: str
    where: str
    remedy: str
    exit_code: int
    refused: bool = False
    """True for a `RefusedError`: the target does something that cannot be measured."""

    @classmethod
    def of(cls, error: HarnessError) -> Self:
        """Return the message for an error, without secrets; the message's `error` is the inverse."""
        # The message may be stored in a file.
        what, where, remedy = map(redact_text, (error.what, error.where, error.remedy))
        return cls(what, where, remedy, error.exit_code, isinstance(error, RefusedError))

    @property
    def error(self) -> HarnessError:
        """The error, of its original family."""
        family = RefusedError if self.refused else _FAMILY.get(self.exit_code, HarnessError)
        return family(self.what, where=self.where, remedy=self.remedy)


_FAMILY: dict[int, type[HarnessError]] = {
    ExitCode.USAGE: UsageError,
    ExitCode.FAILED: HarnessError,
    ExitCode.INVALID: InvalidRunError,
}


class Listening(msgspec.Struct, frozen=True, tag="listening"):
    """The master of several workers listens at this port of 127.0.0.1; connecting takes the key."""

    port: int
    key: str = ""


Message = Ready | Armed | Started | Doing | Done | Failed | Listening
