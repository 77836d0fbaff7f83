"""CPU profiles: attach py-spy from outside and read its log.

A missing profile never ends a run: `CpuProfiler.reason` says in a sentence why there is none.
"""

import contextlib
import dataclasses
import enum
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.profiles.capture.pyspy_children import hide_commands
from harness.profiles.capture.pyspy_text import sort_stacks
from harness.profiles.capture.stops import NO_LOOKS, Looks, StopWatch
from harness.profiles.facts import CpuFacts
from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.frames import ENGINE_ROOT
from harness.supervise import Child, Supervisor
from harness.supervise.ending import ending

_READY_TIMEOUT_S = 15.0
_STOP_TIMEOUT_S = 30.0
_POLL_S = 0.01
_CPUCLOCK_SCHED = 2
_SAMPLING = "Sampling process"
_RESULT = re.compile(r"Samples: (\d+) Errors: (\d+)")
_BEHIND = re.compile(r"([\d.]+)s behind in sampling")
_COMPLAINT = re.compile(r"^Error: (.+)$", re.MULTILINE)
_NO_RIGHTS = re.compile(r"permission denied|operation not permitted", re.IGNORECASE)

RIGHTS_REMEDY = "Set kernel.yama.ptrace_scope to 0, or give the container the capability SYS_PTRACE."


class Mode(enum.StrEnum):
    """Mode of reading stacks: with the process stopped (blocking) or running (nonblocking).

    Blocking reads true stacks. Nonblocking leaves the process alone and reads a stack while it changes: on
    a busy event loop about half of the stacks were torn, and only a part of those can be detected.
    """

    BLOCKING = "blocking"
    NONBLOCKING = "nonblocking"


@dataclasses.dataclass(frozen=True, slots=True)
class Recording:
    """One finished recording of py-spy: its raw file and its log.

    `cpu_s` is the CPU time that the process used meanwhile, as far as it was observed; None without observation.
    """

    raw: Path
    mode: Mode
    rate_hz: int
    samples: int
    errors: int
    seconds: float
    cpu_s: float | None
    behind_s: float
    looks: Looks = NO_LOOKS
    """Looks at the process during the recording, and those that found it held."""
    profiler_share: float | None = None
    """Share of a processor that py-spy itself used; None if it was never observed."""


class CpuProfiler:
    """Samples the stacks of process `pid` from `start` to `stop` into the file `output`; py-spy's output goes to `log`.

    `reason` is None without trouble, and otherwise a sentence on why there is no profile.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        pid: int,
        output: Path,
        log: Path,
        rate_hz: int = 100,
        mode: Mode = Mode.BLOCKING,
        *,
        children: bool = False,
    ) -> None:
        """With `children`, the stacks of Python child processes are sampled too."""
        self.reason: str | None = None
        self._supervisor = supervisor
        self._pid = pid
        self._output = output
        self._log = log
        self._rate_hz = rate_hz
        self._mode = Mode(mode)
        self._children = children
        self._child: Child | None = None
        self._log_start = 0
        self._started_s = 0.0
        self._cpu_start_s = self._cpu_last_s = 0.0
        self._own_cpu_s: float | None = None
        self._own_start_s = 0.0
        self._watch = StopWatch(pid)

    @property
    def looks(self) -> Looks:
        """Looks at the process since `start`, and those that found it held."""
        return self._watch.looks

    @property
    def profiler_share(self) -> float | None:
        """Return the share of a processor that py-spy has used since it samples; None if it was never observed."""
        seconds = time.monotonic() - self._started_s
        return None if self._own_cpu_s is None else (self._own_cpu_s - self._own_start_s) / seconds

    def watch(self, pid: int) -> None:
        """See the cost of sampling in this child of the process instead."""
        self._watch = StopWatch(pid)

    def start(self) -> bool:
        """Attach, and return True as soon as py-spy samples; on failure return False and set `reason`."""
        try:
            # py-spy opens its output only at the end: a wrong path would lose the whole recording.
            self._output.write_bytes(b"")
            self._log_start = self._log.stat().st_size if self._log.exists() else 0
            self._child = self._supervisor.start("py-spy", self._argv(), log=self._log)
        except OSError as error:
            return self._fail(f"No CPU profile: {self._output} cannot be written ({error.strerror}).")
        except HarnessError as error:
            return self._fail(f"No CPU profile: {error}")
        if not self._samples_within(self._child, _READY_TIMEOUT_S):
            code = self._child.poll()
            self._child.stop()
            how = (
                "py-spy did not begin to sample"
                if code is None
                else f"py-spy {ending(code)} before it sampled"
            )
            return self._fail(self._explain(how))
        self._started_s = time.monotonic()
        self.observe()
        self._cpu_start_s = self._cpu_last_s
        self._own_start_s = self._own_cpu_s or 0.0
        self._watch.start()
        return True

    def observe(self) -> None:
        """Note the CPU time that the process has used. Call it now and then, in case the process ends before `stop`."""
        used_s = cpu_seconds(self._pid)
        if used_s is not None:
            self._cpu_last_s = used_s
        if self._child is not None:
            self._own_cpu_s = cpu_seconds(self._child.pid) or self._own_cpu_s

    def stop(self) -> Recording | None:
        """End the recording and return it; None, with `reason` set, if there is none. The process keeps running."""
        if self._child is None or self.reason is not None:
            return None
        self._watch.stop()
        seconds = time.monotonic() - self._started_s
        self.observe()
        profiler_share = self.profiler_share
        # SIGTERM would lose the file. A py-spy that ended by itself, along with the process, has written it.
        if self._child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child.pid, signal.SIGINT)
        try:
            code = self._child.wait(_STOP_TIMEOUT_S)
        except HarnessError:
            self._fail(f"No CPU profile: py-spy did not end within {_STOP_TIMEOUT_S:g} s.")
            return None
        finally:
            self._child.stop()
            is_hidden = self._hide_commands()
        if not is_hidden:
            return None
        found = _RESULT.search(self._said())
        if found is None:
            self._fail(self._explain(f"py-spy wrote no profile and {ending(code)}"))
            return None
        return Recording(
            raw=self._output,
            mode=self._mode,
            rate_hz=self._rate_hz,
            samples=int(found[1]),
            errors=int(found[2]),
            seconds=seconds,
            cpu_s=self._cpu_last_s - self._cpu_start_s or None,
            behind_s=max((float(late) for late in _BEHIND.findall(self._said())), default=0.0),
            looks=self.looks,
            profiler_share=profiler_share,
        )

    def _argv(self) -> list[str]:
        options = ["--nonblocking"] if self._mode is Mode.NONBLOCKING else []
        options += ["--subprocesses"] if self._children else []
        return [
            py_spy_program(), "record", "--pid", str(self._pid), "--format", "raw", "--full-filenames",
            "--rate", str(self._rate_hz), "--output", str(self._output), *options,
        ]  # fmt: skip

    def _hide_commands(self) -> bool:
        try:
            if self._children:
                hide_commands(self._output, self._pid)
        except OSError as error:
            return self._fail(f"No CPU profile: {self._output} cannot be written ({error.strerror}).")
        return True

    def _samples_within(self, child: Child, timeout_s: float) -> bool:
        deadline_s = time.monotonic() + timeout_s
        while _SAMPLING not in self._said():
            if child.poll() is not None or time.monotonic() > deadline_s:
                return False
            time.sleep(_POLL_S)
        return True

    def _said(self) -> str:
        try:
            return self._log.read_bytes()[self._log_start :].decode(errors="replace")
        except OSError:
            return ""

    def _explain(self, what: str) -> str:
        said = self._said().strip()
        if no_rights(said):
            return f"No CPU profile: this user may not read other processes. {RIGHTS_REMEDY}"
        because = _COMPLAINT.search(said)
        last = because[1] if because else (said.splitlines() or ["it wrote no output"])[-1]
        return f"No CPU profile: {what} ({last[:300]}). Its log is {self._log}."

    def _fail(self, reason: str) -> bool:
        self.reason = reason
        return False


def fold(recording: Recording, roots: Sequence[str] = ()) -> tuple[Profile, CpuFacts]:
    """Return the profile of a recording, by operation, and its facts; `roots` are the source folders.

    Every stack starts with `operation:NAME`, `(driver)` or `(outside)`; its unit is `samples`.
    """
    text = recording.raw.read_text("utf-8", "replace")
    found = sort_stacks(text, (*roots, ENGINE_ROOT), may_tear=recording.mode is Mode.NONBLOCKING)
    busy = recording.samples - found.idle - found.of_children
    facts = CpuFacts(
        mode=recording.mode.value,
        rate_asked_hz=recording.rate_hz,
        rate_got_hz=busy / recording.cpu_s if recording.cpu_s else None,
        samples=recording.samples,
        errors=recording.errors,
        kept=int(found.profile.total),
        idle=found.idle,
        paced=found.paced,
        torn=found.torn,
        seconds=recording.seconds,
        cpu_s=recording.cpu_s,
        behind_s=recording.behind_s,
        child_samples=found.of_children,
    )
    return found.profile, facts


def cpu_seconds(pid: int) -> float | None:
    """Return the CPU time that all threads of a process have used, in seconds; None if it is gone.

    It reads the process's own clock (clock_getcpuclockid(3)): `/proc` counts in hundredths of a second.
    """
    try:
        return time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)
    except OSError:
        return None


def no_rights(said: str) -> bool:
    """Tell whether py-spy's output means that the kernel refused it."""
    return _NO_RIGHTS.search(said) is not None


def py_spy_program() -> str:
    """Return the path of py-spy: the one beside this interpreter, or else the one on PATH."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("py-spy", path=beside) or "py-spy"
