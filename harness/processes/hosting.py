"""Agree on one time zero and share the plan, where several measured processes are one run without Locust.

Each process is told its share with its job. It reports that it is armed, and gets the time zero from the supervisor.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from harness.clock import NS_PER_S, SystemClock
from harness.errors import HarnessError
from harness.processes.job import Armed, Job, Message, Share, Start
from harness.processes.worker_account import Account
from harness.processes.worker_messages import ACCOUNT
from harness.run.directory import RunDirectory, decode, write_atomically
from harness.run.facts import LoadFacts
from harness.table import calls, shares

LEAD_S = 0.2
"""Time that drivers need before warm-up begins."""


class Hosting(Protocol):
    """Source of a run's start time and of its part of the plan: this process alone, or one that supervises several."""

    def agree_on_origin(self, warmup_s: float) -> int:
        """Return the clock at time zero of the table, once everything is ready."""

    def share(self, sequence: list[Any]) -> list[Any]:
        """Return this process's part of the sequence of operations of closed users."""


class Alone:
    """This process is the whole run."""

    def agree_on_origin(self, warmup_s: float) -> int:
        """Return a future moment that leaves time for the warm-up."""
        return SystemClock.now_ns() + round((LEAD_S + warmup_s) * NS_PER_S)

    def share(self, sequence: list[Any]) -> list[Any]:
        """Return the whole sequence."""
        return sequence


class OneOfSeveral:
    """This process drives its share of a run; `send` sends to the supervisor, who answers on stdin."""

    def __init__(self, share: Share, send: Callable[[Message], None]) -> None:
        self._share = share
        self._send = send

    def agree_on_origin(self, warmup_s: float) -> int:  # noqa: ARG002 - the supervisor knows it
        """Report that this process is armed, and return the time zero of all. Raises `HarnessError` if there will be none."""
        self._send(Armed())
        line = sys.stdin.buffer.readline()
        if not line:
            raise HarnessError("The run was ended before it began")
        return msgspec.json.decode(line, type=Start).origin_ns

    def share(self, sequence: list[Any]) -> list[Any]:
        """Return every n-th step of the sequence, for n processes."""
        return sequence[self._share.number :: self._share.workers]


def write_account(job: Job) -> None:
    """Write what a process that drove a share knows of its calls, for the check against its table."""
    assert job.share is not None  # noqa: S101 - the caller has looked
    folder = Path(job.folder)
    facts = decode(folder / RunDirectory.FACTS, LoadFacts)
    account = Account.of(folder.name, calls.load(folder / shares.CALLS), job.share.spans, facts)
    write_atomically(folder / ACCOUNT, account.pack())
