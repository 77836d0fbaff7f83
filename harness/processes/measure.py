"""One measured process, seen from the supervisor: start it, agree on the plan, follow it, end it."""

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
from harness.processes.job import Doing, Done, Failed, Go, Job, Listening, Message, Ready, Started
from harness.supervise import Child, Supervisor, ending

# Making a target may connect to servers; drivers and Locust take seconds to import on a busy machine.
_START_S = 120.0
# Beyond the plan and its drain: the table is sealed, the target closed.
_END_S = 30.0
_CLOSING = "close()"
LONGEST_S = {"open()": 120.0, _CLOSING: 30.0}
"""What these of a target may take. When it closes, all is measured."""
_POLL_S = 0.2

Expected = TypeVar("Expected", Ready, Started, Done, Listening)

Tick = Callable[[float], None]
"""Called a few times a second with the seconds since time zero of the run (negative in warm-up)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ending:
    """How a measured process ended; `trouble` is a sentence where it did not end in good order.

    `note` is one about what came when all was measured.
    """

    trouble: str | None = None
    interrupted: bool = False
    refused: RefusedError | None = None
    """Why the target cannot be measured, if a call showed that on the way: `trouble` says so too."""
    note: str | None = None

    def raise_refusal(self) -> None:
        """Raise what was refused: for those to whom such a run is none."""
        if self.refused:
            raise self.refused


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """What runs in the child: its module, how messages call it, and what it is told first (None: the job)."""

    module: str = "harness.processes.worker"
    name: str = "the measured process"
    order: msgspec.Struct | None = None


class MeasuredProcess:
    """The child of one job. Use as a context manager; leaving it ends the child."""

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
        """Start the child; `on_poll` is called a few times a second while one waits for it."""
        program = program or Program()
        self._job = job
        self._name = program.name.capitalize()
        self._on_poll = on_poll
        self._buffer = b""
        self._doing = ""
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
        """The process id."""
        return self.child.pid

    def offered_operations(self) -> dict[str, float]:
        """Wait until the target is made and open, and return the operations that it offers.

        Raises the error that the child reports, `TargetError` if it dies or takes over two minutes.
        """
        return self.wait_ready().operations

    def wait_ready(self) -> Ready:
        """Wait as `offered_operations` does, and return all that the child says of its target."""
        return self._expect(Ready, _START_S)

    def wait_listening(self) -> Listening:
        """Wait until the master of several workers can be reached; raises as `offered_operations` does."""
        return self._expect(Listening, _START_S)

    def tell(self, message: msgspec.Struct) -> None:
        """Say something else to the child; if it has ended, nobody hears it."""
        self._send(msgspec.json.encode(message))

    def go(self, operations: Mapping[str, float]) -> Started:
        """Let the run begin with this mix; returns when warm-up has begun."""
        self.send_go(operations)
        return self._expect(Started, _START_S)

    def send_go(self, operations: Mapping[str, float]) -> None:
        """Let work without a time plan begin with this mix."""
        self._send(msgspec.json.encode(Go(dict(operations))))

    def follow(self, started: Started, tick: Tick) -> Ending:
        """Wait for the end. Ctrl-C stops the run in good order and keeps what was measured."""
        deadline_ns = started.end_ns + round((self._job.drain_s + _END_S) * NS_PER_S)
        interrupted = False
        while True:
            try:
                tick((SystemClock.now_ns() - started.origin_ns) / NS_PER_S)
                # Before the pipe, as in `_expect`: its last message may arrive between the two looks.
                code = self.child.poll()
                message = self._receive(_POLL_S)
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted, deadline_ns = (
                    True,
                    SystemClock.now_ns() + round((self._job.drain_s + 5) * NS_PER_S),
                )
                self._ask_to_stop()
                continue
            if isinstance(message, Failed):
                error = message.error
                return Ending(str(error), interrupted, error if isinstance(error, RefusedError) else None)
            if isinstance(message, Doing):
                deadline_ns = SystemClock.now_ns() + round(LONGEST_S[message.what] * NS_PER_S)
            if isinstance(message, Done):
                return Ending(None, interrupted)
            if message is None and code is not None:
                return Ending(f"{self._name} {ending(code)}", interrupted)
            if SystemClock.now_ns() > deadline_ns:
                self.child.kill()
                if self._doing == _CLOSING:
                    note = f"{self._stuck(LONGEST_S[_CLOSING])} and was killed; what was measured before it is complete"
                    return Ending(None, interrupted, note=note)
                return Ending(
                    f"{self._name} did not end with its plan and was killed: the target held the loop",
                    interrupted,
                )

    def wait_done(self, timeout_s: float) -> None:
        """Wait for the end of work without a time plan. Raises what the child reports."""
        self._expect(Done, timeout_s)

    def _ask_to_stop(self) -> None:
        if self.child.poll() is None:
            os.kill(self.child.pid, signal.SIGTERM)

    def _send(self, line: bytes) -> None:
        assert self.child.stdin is not None  # noqa: S101 - it was asked for
        try:
            self.child.stdin.write(line + b"\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass  # What it has to say is still in its stdout, and read next.

    def _expect(self, kind: type[Expected], timeout_s: float) -> Expected:
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            # Look at the process before the pipe: what a dead one said last is in the pipe for good.
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
            remedy=f"Look at what it does in {self._doing}, and what that waits for"
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
                    time.sleep(timeout_s / 4)  # It closed its stdout: its death follows.
        line, newline, rest = self._buffer.partition(b"\n")
        if not newline:
            return None
        self._buffer = rest
        message: Message = msgspec.json.decode(line, type=Message)
        if isinstance(message, Doing):
            self._doing = message.what
        elif isinstance(message, Ready | Started):
            self._doing = ""
        return message


def ended_early(name: str, code: int, child: Child) -> HarnessError:
    """Return the error for a process that ended before the run began: killed it is no fault that the caller can mend."""
    said = child.log_tail(8)
    words = f"its last words: {said}" if said else f"it said nothing ({child.log})"
    family = InvalidRunError if code < 0 else TargetError
    return family(
        f"{name} {ending(code)} before the run began; {words}",
        remedy="Look at what the target does when it is imported, made and opened",
    )
