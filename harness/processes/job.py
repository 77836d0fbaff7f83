"""What the supervisor and the measured process say to one another: JSON lines over the child's stdin and stdout.

`job -> ready(operations) -> go(mix) -> started -> done`, or `error` at any point. Passwords are not part of a
job: they travel in the child's environment.
"""

from typing import Literal, Self

import msgspec

from harness.errors import ExitCode, HarnessError, InvalidRunError, RefusedError, UsageError
from harness.model import Executor
from harness.redaction.redact import redact_text


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to measure and where to put it."""

    kind: Literal["load", "memory", "count", "trace"]
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
    """With the split: also on which stacks calls waited."""
    requests: int = 0
    """For `memory`: how many calls to trace, after as many to warm up. For `count` and `trace`: of each operation."""
    follow_fork: bool = False
    """For `memory`: trace forks of the process too."""
    overlay: str | None = None
    """A folder to import the target from before all others: see `harness.processes.tree`."""


class Go(msgspec.Struct, frozen=True, tag="go"):
    """The plan is written; start. `operations` is the mix, in the order of the table's operation numbers."""

    operations: dict[str, float]


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The target is made and open; these are the operations that it offers, with its own weights.

    `file` is where the code of the factory is, `opening_ns` how long it took to import, make and open the target.
    """

    operations: dict[str, float]
    file: str = ""
    opening_ns: int = 0


class Started(msgspec.Struct, frozen=True, tag="started"):
    """Warm-up has begun; the measured time is from `origin_ns` to `end_ns` of the clock."""

    origin_ns: int
    end_ns: int


class Doing(msgspec.Struct, frozen=True, tag="doing"):
    """What of the target's runs now, outside of calls: `open()` or `close()`."""

    what: str


class Done(msgspec.Struct, frozen=True, tag="done"):
    """Everything is written."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The measured process cannot go on; `exit_code` is that of the error's family."""

    what: str
    where: str
    remedy: str
    exit_code: int
    refused: bool = False
    """The target does what cannot be measured: a `RefusedError`."""

    @classmethod
    def of(cls, error: HarnessError) -> Self:
        """Return what is said of an error, without secrets; `error` of the message is the inverse."""
        # It may be kept in a file.
        what, where, remedy = map(redact_text, (error.what, error.where, error.remedy))
        return cls(what, where, remedy, error.exit_code, isinstance(error, RefusedError))

    @property
    def error(self) -> HarnessError:
        """The error again, of its family."""
        family = RefusedError if self.refused else _FAMILY.get(self.exit_code, HarnessError)
        return family(self.what, where=self.where, remedy=self.remedy)


_FAMILY: dict[int, type[HarnessError]] = {
    ExitCode.USAGE: UsageError,
    ExitCode.FAILED: HarnessError,
    ExitCode.INVALID: InvalidRunError,
}


class Listening(msgspec.Struct, frozen=True, tag="listening"):
    """The master of several workers can be reached at this port of 127.0.0.1, by those who have the key."""

    port: int
    key: str = ""


Message = Ready | Started | Doing | Done | Failed | Listening
