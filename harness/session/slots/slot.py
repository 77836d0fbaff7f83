"""Control one slot from the session: start its process, request slices, end it."""

import contextlib
import enum
import os
import select
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, Self

import msgspec

from harness.errors import HarnessError, UsageError
from harness.processes.stopping import groups_of, resume_tree, set_cpus, stop_tree
from harness.session.receipt import Concurrency
from harness.session.slots.fixed_layout import ADDR_NO_RANDOMIZE
from harness.session.slots.launch import Bench, Home, Launch, Limits, job_of, slot_environment
from harness.supervise import Child, Supervisor
from harness.supervise.ending import how_it_ended, why_it_may_have

PROGRAM = Path(__file__).with_name("slot_program.py")
LAYOUT = Path(__file__).with_name("fixed_layout.py")
_POLL_S = 0.5
_LOG_LINES = 6


class SlotError(HarnessError):
    """A slot died, hung, or failed a request: its block measured nothing."""


class ForeignCodeError(UsageError):
    """A slot loaded code of the project from outside its side's tree, which both sides would measure."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message from a slot; `kind` tells which fields apply."""

    kind: str
    name: str = ""
    files: dict[str, str] = {}
    errors: dict[str, str] = {}
    skipped: dict[str, str] = {}
    import_ns: int = 0
    import_cpu_ns: int = 0
    imported: list[str] = []
    """Measured roots imported so far."""
    strays: list[tuple[str, str]] = []
    """(module, place) of each new module of the project from outside the side's tree."""
    ns: float = 0.0
    whole_ns: float = 0.0
    warm_calls: int = 0
    most_calls: int = 0
    """Number of timed calls that the benchmark allows in one process; 0 for any number."""
    first: tuple[int, int] = (0, 0)
    """Wall time and CPU time of the benchmark's first call, in ns."""
    calls: int = 0
    """Number of calls that the slot made of the benchmark."""
    beside: Concurrency = Concurrency.NONE
    """The work beside the main thread while it was served."""
    present: Concurrency = Concurrency.NONE
    """Threads or children that work now, while nobody calls."""
    value: Any = None
    outcome: str = ""
    error: str = ""


class _State(enum.Enum):
    WAITING = enum.auto()
    """Imports are done; it waits for the next command."""
    SERVING = enum.auto()
    RUNNING = enum.auto()
    """It sets the next benchmark up, or ends."""


class Slot:
    """A running slot. Use it as a context manager: leaving it kills the process and its children."""

    def __init__(
        self, supervisor: Supervisor, child: Child, to_fd: int, from_fd: int, home: Home, limits: Limits
    ) -> None:
        self._supervisor = supervisor
        self.child = child
        self.home = home
        self._to_fd, self._from_fd = to_fd, from_fd
        self._limits = limits
        self._buffer = b""
        self._doing = "importing the benchmarks"
        self._state = _State.WAITING
        self._stopped: list[int] | None = None
        """Stopped processes outside of the process group; None while it runs."""
        self._guarded: set[int] = set()
        """Their groups: nobody would end or resume them, if the session were killed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # A stopped descendant that left the process group would outlive the slot, and never run again.
        self.resume()
        self.child.kill()
        for descriptor in (self._to_fd, self._from_fd):
            os.close(descriptor)

    def collect(self) -> Message:
        """Wait until the benchmarks are imported; the slot then waits in turn."""
        return self._checked(self.expect("collected", self._limits.start_s))

    def has_fixed_layout(self) -> bool:
        """Return True if the kernel granted the requested fixed address layout."""
        try:
            return bool(int(Path(f"/proc/{self.child.pid}/personality").read_text(), 16) & ADDR_NO_RANDOMIZE)
        except OSError:
            return False

    def move_on(self) -> Message | None:
        """Let the slot go on to its next benchmark; return the result of the test that it served, if any."""
        state, self._state = self._state, _State.RUNNING
        if state is not _State.RUNNING:
            self.send("next")
        if state is not _State.SERVING:
            return None
        return self._checked(self.expect("done", self._limits.ready_s))

    def enter(self, name: str) -> Message:
        """Wait until `name` is warm (`ready`), or has ended unmeasured (`done`)."""
        self._doing = f"setting up {name}"
        message = self._checked(self.expect("ready", self._limits.ready_s, or_else="done"))
        if message.name != name:
            raise self._error(f"ran {message.name} instead")
        if message.kind == "ready":
            self._state = _State.SERVING
            self._doing = f"measuring {name}"
        return message

    def stop(self) -> None:
        """Stop the process and all its descendants until `resume`. SIGKILL ends stopped processes too."""
        if self._stopped is None and self.child.poll() is None:
            self._stopped = []
            stop_tree(self.child.pid, self._stopped)
            self._guarded = groups_of(self._stopped) - {os.getpgrp()}
            for group in self._guarded:
                self._supervisor.guard(group)

    def resume(self) -> None:
        """Resume the process and all its descendants, if they are stopped."""
        if self._stopped is not None:
            resume_tree(self.child.pid, self._stopped)
            for group in self._guarded:
                self._supervisor.unguard(group)
            self._stopped, self._guarded = None, set()

    def use_cpus(self, cpus: Collection[int]) -> None:
        """Let the process and all its descendants run on these CPUs only."""
        set_cpus(self.child.pid, cpus)

    def begin(self) -> None:
        """Begin a series of slices."""
        self._ask("begin")

    def sentinel_ns(self, times: int = 1) -> int:
        """Return the time of the fixed loop, in ns: the mean of `times` runs of it."""
        return int(self._ask("sentinel", times))

    def slice_ns(self, calls: int) -> tuple[int, int]:
        """Return (wall_ns, cpu_ns) of one slice."""
        wall_ns, cpu_ns = self._ask("slice", calls)
        return wall_ns, cpu_ns

    def slice_of_all_ns(self, calls: int) -> tuple[int, int, int]:
        """Return (wall_ns, cpu_ns, CPU time beside the main thread in ns) of one slice."""
        wall_ns, cpu_ns, other_ns = self._ask("slice_of_all", calls)
        return wall_ns, cpu_ns, other_ns

    def idle_share(self, seconds: float) -> float:
        """Return the CPU time of the process and its children while nobody calls it, as a share of a core."""
        return float(self._ask("idle", seconds))

    def use_tool(self, program: Path, function: str, *words: str | int) -> Any:
        """Run a function of the file `program` in the slot, with the timer of the benchmark's calls and `words`."""
        return self._ask("tool", str(program), function, *words)

    def finish(self) -> Message | None:
        """Wait briefly for the process to end by itself, so that the suite's own fixtures are closed.

        Returns its last message; None if it had to be given up.
        """
        with contextlib.suppress(SlotError):
            return self.expect("ended", self._limits.end_s)
        return None

    def send(self, *words: str | float) -> None:
        """Write one line to the slot; a dead slot is detected at the next read."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._to_fd, msgspec.json.encode(words) + b"\n")

    def expect(self, kind: str, timeout_s: float, or_else: str = "") -> Message:
        """Return the next message of this kind. Raises SlotError if the slot dies, hangs or sends another kind."""
        message = msgspec.json.decode(self._line(time.monotonic() + timeout_s, timeout_s), type=Message)
        if message.kind in {kind, or_else}:
            return message
        raise self._error(
            f"ended early: {message.error or message.name or message.kind}",
            lines=_LOG_LINES if not message.name else 0,
        )

    def _ask(self, *words: str | float) -> Any:
        self.send(*words)
        return self.expect("ran", self._limits.slice_s).value

    def _line(self, deadline_s: float, timeout_s: float) -> bytes:
        while b"\n" not in self._buffer:
            if time.monotonic() > deadline_s:
                raise self._error(f"did not answer within {timeout_s:g} s")
            if select.select([self._from_fd], [], [], _POLL_S)[0]:
                chunk = os.read(self._from_fd, 1 << 16)
                if not chunk:
                    code = self.child.kill()
                    raise self._error(how_it_ended(code), why=why_it_may_have(code))
                self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _checked(self, message: Message) -> Message:
        for name, place in message.strays:
            raise foreign_code(self.home, name, place)
        return message

    def _error(self, what: str, lines: int = _LOG_LINES, why: str = "") -> SlotError:
        tail = self.child.log_tail(lines) if lines else ""
        said = f"; its log ends with: {' | '.join(tail.split(chr(10)))}" if tail else ""
        because = f" ({why})" if why else ""
        return SlotError(f"The {self.home.name}'s slot {what} while {self._doing}{because}{said}")


def foreign_code(home: Home, name: str, place: str) -> ForeignCodeError:
    """Return the error for a foreign module, with its place and the remedy."""
    if any(name == root or name.startswith(f"{root}.") for root in home.roots):
        what = f"The {home.name}'s slot imported {name} from outside its tree: {place}"
        remedy = "Find the import that precedes the benchmarks: a .pth file, a plugin, an import hook"
    else:
        what = (
            f"The {home.name}'s slot loaded {name}, a module of the project, from outside its tree: {place}"
        )
        remedy = (
            "Both sides would measure that one file: add its package to source-roots in [tool.harness], or "
            "uninstall the copy"
        )
    return ForeignCodeError(what, where=f"its tree is {home.tree}", remedy=remedy)


def start_slot(
    supervisor: Supervisor, home: Home, bench: Bench, launch: Launch, log: Path, limits: Limits
) -> Slot:
    """Start the process of one slot on its CPU and send it its job."""
    child_in, to_fd = os.pipe()
    from_fd, child_out = os.pipe()
    try:
        child = supervisor.start(
            f"the {home.name}'s slot",
            # Numbers of constant width: the arguments lie on the stack, whose address is a cause of noise.
            [
                home.python,
                "-I",
                "-S",
                str(LAYOUT),
                *launch.under,
                home.python,
                "-P",
                str(PROGRAM),
                f"{child_in:06d}",
                f"{child_out:06d}",
            ],
            log=log,
            env=slot_environment(home, launch),
            cwd=bench.cwd or bench.home_of(home),
            pass_fds=(child_in, child_out),
        )
    finally:
        os.close(child_in)
        os.close(child_out)
    if launch.cpu is not None:
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(child.pid, {launch.cpu})
    slot = Slot(supervisor, child, to_fd, from_fd, home, limits)
    os.write(to_fd, msgspec.json.encode(job_of(home, bench, launch)) + b"\n")
    return slot
