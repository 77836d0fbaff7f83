"""The errors of the harness, each with the exit code of its process.

An error contains what happened, where, and what to do next; it is caught once, in `harness.cli`.
"""

import enum
from collections.abc import Iterable


class ExitCode(enum.IntEnum):
    """The result of the process for a shell or a CI job."""

    OK = 0
    FAILED = 1
    USAGE = 2
    LIMIT_BROKEN = 3
    INCONCLUSIVE = 4
    INVALID = 5
    INTERRUPTED = 130


_PRECEDENCE = (
    ExitCode.INTERRUPTED,
    ExitCode.FAILED,
    ExitCode.USAGE,
    ExitCode.LIMIT_BROKEN,
    ExitCode.INVALID,
    ExitCode.INCONCLUSIVE,
    ExitCode.OK,
)


def worst(codes: Iterable[ExitCode], *, interrupted: bool = False) -> ExitCode:
    """Return the most important of several codes: the first in the order 130, 1, 2, 3, 5, 4, 0; 130 if `interrupted`."""
    if interrupted:
        return ExitCode.INTERRUPTED
    return min(codes, key=_PRECEDENCE.index, default=ExitCode.OK)


class HarnessError(Exception):
    """An error with its event, place and remedy. The base class means: the harness failed."""

    exit_code = ExitCode.FAILED

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def as_json(self) -> dict[str, str | int]:
        """Return the `error` of a JSON document."""
        return {
            "what": self.what,
            "where": self.where,
            "remedy": self.remedy,
            "exit_code": int(self.exit_code),
        }

    def __str__(self) -> str:
        sentence = f"{self.what} ({self.where})" if self.where else self.what
        return f"{sentence}. {self.remedy}" if self.remedy else sentence


class UsageError(HarnessError):
    """The caller asked for something that does not exist or is impossible."""

    exit_code = ExitCode.USAGE


class TargetError(UsageError):
    """The target could not be imported, made or opened."""


class RefusedError(TargetError):
    """The target does something that cannot be measured correctly: no number of it may be valid."""


class InvalidRunError(HarnessError):
    """The measurement cannot be used: it is damaged, incomplete or made under invalidating conditions."""

    exit_code = ExitCode.INVALID


class ServerError(HarnessError):
    """A server or other child process did not start, or died."""


class StoppedError(HarnessError):
    """The user stopped the command."""

    exit_code = ExitCode.INTERRUPTED
