"""Manage one measured process from the supervisor: start it, agree on the plan, follow it, end it."""

import dataclasses
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from harness.clock import NS_PER_S, SystemClock
from harness.errors import HarnessError, InvalidRunError, RefusedError, TargetError
from harness.model import Engine
from harness.processes.job import (
    Armed,
    Doing,
    Done,
    Failed,
    Go,
    Job,
    Listening,
    Message,
    Ready,
    Started,
)
from harness.supervise import Child, Supervisor, ending

# Opening a target may connect to servers; importing drivers and Locust takes seconds on a busy machine.
_START_S = 120.0
# Time beyond the plan and its drain, for sealing the table and closing the target.
_END_S = 30.0
_CLOSING = "close()"
LONGEST_S = {"open()": 120.0, _CLOSING: 30.0}
"""Time limits for these methods of a target, in s. When `close()` runs, the measurement is complete."""
_POLL_S = 0.2
_BLOCKED = {
    Engine.GEVENT: "the event loop",
    Engine.ASYNCIO: "the event loop",
    Engine.THREADS: "all of its threads",
}

Expected = TypeVar("Expected", Ready, Armed, Started, Done, Listening)

Tick = Callable[[float], None]
"""Function called a few times a second with the seconds since time zero of the run (negative in warm-up)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ending:
    """The end of a measured process; `trouble` is a sentence where it did not end normally.

    `note` is a sentence about an event after the measurement was complete.
    """

    trouble: str | None = None
    interrupted: bool = False
    refused: RefusedError | None = None
    """Reason why the target cannot be measured, if a call showed one during the run; `trouble` states it too."""
    note: str | None = None

    def raise_refusal(self) -> None:
        """Raise the refusal, for callers to whom a refused run is an error."""
        if self.refused:
            raise self.refused


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """The program of the child: its module, its name in messages, and its first message (None: the job)."""

    module: str = "harness.processes.worker"
    name: str = "the measured process"
    order: msgspec.Struct | None = None


class MeasuredProcess:
    """The child process of one job. Use as a context manager; leaving it ends the child."""

    def __init__(
        self,
        supervisor: Supervisor,
        job: Job,
        log: Path,
        environment: Mapping[str, str] | None = None,
        *,
        program: Program | None = None,
        on_poll: Callable[[], None] = lambda: None,
    ) -> None:
        """Start the child; `on_poll` is called a few times a second while waiting for it."""
        program = program or Program()
        self._job = job
        self._name = program.name.capitalize()
        self._on_poll = on_poll
        self._buffer = b""
        self._doing = ""
        self._engine = Engine.GEVENT
        # -P: the current folder must not come first on the import path; the worker appends it.
        self.child: Child = supervisor.start(
            program.name,
            [sys.executable, "-P", "-m", program.module],
            log=log,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._send(msgspec.json.encode(program.order or job))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.stop()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self.child.pid

    def wait_ready(self) -> Ready:
        """Wait until the target is made and open, and return what the child reports of it.

        Raises the error that the child reports, or `TargetError` if it dies or takes over two minutes.
        """
        return self._expect(Ready, _START_S)

    def wait_listening(self) -> Listening:
        """Wait until the master of several workers listens; raises as `wait_ready` does."""
        return self._expect(Listening, _START_S)

    def tell(self, message: msgspec.Struct) -> None:
        """Send another message to the child; it is lost if the child has ended."""
        self._send(msgspec.json.encode(message))

    def go(self, operations: Mapping[str, float]) -> Started:
        """Start the run with this mix; return when warm-up has begun."""
        self.send_go(operations)
        return self.wait_started()

    def send_go(self, operations: Mapping[str, float]) -> None:
        """Start work without a time plan with this mix."""
        self._send(msgspec.json.encode(Go(dict(operations))))

    def wait_armed(self) -> None:
        """Wait until the process, one of several, waits for the common time zero; raises as `offered_operations` does."""
        self._expect(Armed, _START_S)

    def wait_started(self) -> Started:
        """Return when warm-up has begun."""
        return self._expect(Started, _START_S)

    def follow(self, started: Started, tick: Tick) -> Ending:
        """Wait for the end. Ctrl-C stops the run cleanly and keeps what was measured."""
        following = Following(self, started)
        interrupted = False
        while True:
            try:
                tick((SystemClock.now_ns() - started.origin_ns) / NS_PER_S)
                ending = following.look()
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                following.stop()
                continue
            if ending:
                return dataclasses.replace(ending, interrupted=interrupted)

    def look(self, deadline_ns: int, timeout_s: float) -> "tuple[Ending | None, int]":
        """Wait for one message during a run; return how the process has ended, or None, and the new deadline."""
        # Check the process before the pipe, as in `_expect`: its last message may arrive between the two checks.
        code = self.child.poll()
        message = self._receive(timeout_s)
        if isinstance(message, Failed):
            error = message.error
            return Ending(str(error), refused=error if isinstance(error, RefusedError) else None), deadline_ns
        if isinstance(message, Doing):
            deadline_ns = SystemClock.now_ns() + round(LONGEST_S[message.what] * NS_PER_S)
        if isinstance(message, Done):
            return Ending(), deadline_ns
        if message is None and code is not None:
            return Ending(f"{self._name} {ending(code)}"), deadline_ns
        if SystemClock.now_ns() > deadline_ns:
            self.child.kill()
            if self._doing == _CLOSING:
                note = f"{self._stuck(LONGEST_S[_CLOSING])} and was killed; the measurements before it are complete"
                return Ending(note=note), deadline_ns
            return Ending(
                f"{self._name} did not end with its plan and was killed: the target blocked {_BLOCKED[self._engine]}"
            ), deadline_ns
        return None, deadline_ns

    @property
    def drain_s(self) -> float:
        """Time that calls in flight have after the plan."""
        return self._job.drain_s

    def wait_done(self, timeout_s: float) -> None:
        """Wait for the end of work without a time plan. Raises the error that the child reports."""
        self._expect(Done, timeout_s)

    def ask_to_stop(self) -> None:
        """Ask the process to end its run early and keep what was measured."""
        if self.child.poll() is None:
            os.kill(self.child.pid, signal.SIGTERM)

    def _send(self, line: bytes) -> None:
        assert self.child.stdin is not None  # noqa: S101 - it was asked for
        try:
            self.child.stdin.write(line + b"\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass  # Its last message is still in its stdout and is read next.

    def _expect(self, kind: type[Expected], timeout_s: float) -> Expected:
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            # Check the process before the pipe: the last message of a dead process stays in the pipe.
            code = self.child.poll()
            message = self._receive(_POLL_S)
            if isinstance(message, kind):
                return message
            if isinstance(message, Doing):
                timeout_s = LONGEST_S[message.what]
                deadline_s = time.monotonic() + timeout_s
            if isinstance(message, Failed):
                raise message.error
            if message is None and code is not None:
                raise ended_early(self._name, code, self.child)
        raise TargetError(
            self._stuck(timeout_s),
            remedy=f"Check what it waits for in {self._doing}"
            if self._doing
            else "Look at what the target does when it is imported, made and opened",
        )

    def _stuck(self, timeout_s: float) -> str:
        if self._doing:
            return f"The target's {self._doing} did not return within {timeout_s:g} s"
        return f"The target was not ready within {timeout_s:.0f} s"

    def _receive(self, timeout_s: float) -> Message | None:
        assert self.child.stdout is not None  # noqa: S101 - it was asked for
        self._on_poll()
        if b"\n" not in self._buffer:
            readable, _, _ = select.select([self.child.stdout], [], [], timeout_s)
            if readable:
                chunk = os.read(self.child.stdout.fileno(), 65_536)
                self._buffer += chunk
                if not chunk:
                    time.sleep(timeout_s / 4)  # The child closed its stdout: it will end soon.
        line, newline, rest = self._buffer.partition(b"\n")
        if not newline:
            return None
        self._buffer = rest
        message: Message = msgspec.json.decode(line, type=Message)
        if isinstance(message, Doing):
            self._doing = message.what
        elif isinstance(message, Ready | Started):
            self._doing = ""
            self._engine = message.engine if isinstance(message, Ready) else self._engine
        return message


class Following:
    """One process on its way to the end of its run: `look` until it returns an ending."""

    def __init__(self, process: MeasuredProcess, started: Started) -> None:
        self._process = process
        self._deadline_ns = started.end_ns + round((process.drain_s + _END_S) * NS_PER_S)

    def look(self, share: float = 1.0) -> Ending | None:
        """Return how the process has ended; None if it still runs after `share` of the usual wait."""
        found, self._deadline_ns = self._process.look(self._deadline_ns, share * _POLL_S)
        return found

    def stop(self) -> None:
        """Ask the process to end early."""
        self._deadline_ns = SystemClock.now_ns() + round((self._process.drain_s + 5) * NS_PER_S)
        self._process.ask_to_stop()


def ended_early(name: str, code: int, child: Child) -> HarnessError:
    """Return the error for a process that ended before the run began. A kill is not a fault that the caller can mend."""
    said = child.log_tail(8)
    words = f"its last output: {said}" if said else f"it wrote no output ({child.log})"
    family = InvalidRunError if code < 0 else TargetError
    return family(
        f"{name} {ending(code)} before the run began; {words}",
        remedy="Look at what the target does when it is imported, made and opened",
    )
