"""Bounded waiting before a pool: the one place where callers wait for a full pool, and where that is counted."""

import dataclasses
import threading
import time
from types import TracebackType

from targets.asset_core.errors import DeadlineError, PoolTimeoutError
from targets.asset_core.scope import Scope


@dataclasses.dataclass(frozen=True, slots=True)
class PoolView:
    """A pool at one moment. `idle` is the number of free places among `size`; None without a limit."""

    name: str
    size: int | None
    in_use: int
    idle: int | None
    waits: int
    wait_ns: int
    timeouts: int
    errors: int


class Gate:
    """Let `size` callers through at a time; others wait up to `wait_s`, never beyond their deadline."""

    def __init__(self, name: str, size: int | None, wait_s: float) -> None:
        self.name = name
        self.size = size
        self.wait_s = wait_s
        self._free = threading.Semaphore(size) if size is not None else None
        self._lock = threading.Lock()
        self._in_use = self._waits = self._wait_ns = self._timeouts = self._errors = 0

    def passing(self, scope: Scope) -> "Passage":
        """Return a context manager around one use of a connection."""
        return Passage(self, scope)

    def enter(self, scope: Scope) -> None:
        """Take a place; raises PoolTimeoutError if none becomes free in time, DeadlineError if the request ends first."""
        if not self.try_enter() and self._free is not None:
            self._wait(self._free, scope)

    def try_enter(self) -> bool:
        """Take a place if one is free, without waiting; return True if one was taken."""
        if self._free is not None and not self._free.acquire(blocking=False):
            return False
        with self._lock:
            self._in_use += 1
        return True

    def leave(self, *, failed: bool) -> None:
        """Give the place back."""
        with self._lock:
            self._in_use -= 1
            self._errors += failed
        if self._free is not None:
            self._free.release()

    def view(self) -> PoolView:
        """Return the pool's current state and totals."""
        with self._lock:
            idle = None if self.size is None else self.size - self._in_use
            return PoolView(
                name=self.name,
                size=self.size,
                in_use=self._in_use,
                idle=idle,
                waits=self._waits,
                wait_ns=self._wait_ns,
                timeouts=self._timeouts,
                errors=self._errors,
            )

    def _wait(self, free: threading.Semaphore, scope: Scope) -> None:
        allowed_s = scope.allow(self.wait_s)
        began_ns = time.perf_counter_ns()
        taken = free.acquire(timeout=allowed_s)
        with self._lock:
            self._waits += 1
            self._wait_ns += time.perf_counter_ns() - began_ns
            self._timeouts += not taken
            self._in_use += taken
        scope.tally.add(f"{self.name}.pool_waits")
        if not taken:
            self._refuse(allowed_s)

    def _refuse(self, allowed_s: float) -> None:
        if allowed_s < self.wait_s:
            raise DeadlineError(
                "the request's time ran out while it waited for a connection", where=self.name
            )
        raise PoolTimeoutError(
            f"no connection became free in {self.wait_s:g} s",
            where=self.name,
            remedy="Send less at once, or later",
        )


class Passage:
    """One use of a connection, as a context manager."""

    __slots__ = ("_gate", "_scope")

    def __init__(self, gate: Gate, scope: Scope) -> None:
        self._gate = gate
        self._scope = scope

    def __enter__(self) -> None:
        self._gate.enter(self._scope)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gate.leave(failed=kind is not None)
