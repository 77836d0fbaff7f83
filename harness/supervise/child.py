"""Control one child process: its identity, its log, and its end."""

import contextlib
import math
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from harness.errors import ServerError
from harness.supervise.guardian import kill_group, kill_marked, marked
from harness.supervise.secret import Secrets

DEFAULT_GRACE_S = 5.0
_TAIL_BYTES = 64 * 1024


class Child:
    """A running or ended child process that leads its own process group; made by `Supervisor.start`.

    Used as a context manager it is stopped at the end of the block.
    """

    def __init__(
        self,
        name: str,
        process: subprocess.Popen[bytes],
        log: Path,
        secrets: Secrets,
        on_end: Callable[["Child"], None],
        log_began_at: int = 0,
        mark: str = "",
    ) -> None:
        self.name = name
        self.mark = mark
        """Variable in the environment of the child and of all that it starts, `NAME=VALUE`; empty without one."""
        self.log = log
        self.log_began_at = log_began_at
        """Offset in its log, in bytes, where its output begins: other processes may have written there before."""
        self.started_s = time.monotonic()
        self._process = process
        self._secrets = secrets
        self._on_end = on_end
        self._swept = False
        self._code: int | None = None

    def __repr__(self) -> str:
        return f"<Child {self.name!r} pid={self.pid} exit={self._code}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its process group."""
        return self._process.pid

    @property
    def stdin(self) -> IO[bytes] | None:
        """Writing end of its standard input, if it was started with `stdin=PIPE`."""
        return self._process.stdin

    @property
    def stdout(self) -> IO[bytes] | None:
        """Reading end of its standard output, if it was started with `stdout=PIPE`."""
        return self._process.stdout

    def poll(self) -> int | None:
        """Return the exit code (negative: killed by that signal), or None while it runs."""
        if self._code is None:
            self._look(os.WNOHANG)
        if self._code is not None:
            self._sweep()
            self._reap()
        return self._code

    def wait(self, timeout_s: float | None = None) -> int:
        """Return the exit code when the child ends by itself; then kills the rest of its process group.

        Raises ServerError if it still runs after `timeout_s`, without stopping it.
        """
        code = self._ended_within(timeout_s)
        if code is None:
            raise ServerError(
                f"{self.name} still runs after {timeout_s:g} s",
                where=f"process {self.pid}",
                remedy=f"Its log is {self.log}.",
            )
        return code

    def stop(self, grace_s: float = DEFAULT_GRACE_S, number: int = signal.SIGTERM) -> int:
        """End the child and its whole process group, close its pipes, and return the exit code.

        Sends signal `number` first, SIGKILL after `grace_s` seconds, or at once if the waiting is interrupted. Grandchildren
        get no separate grace: they are killed when the child has ended. Stopping twice is harmless.
        """
        try:
            if self.poll() is None:
                os.kill(self.pid, number)
                self._ended_within(grace_s)
        finally:
            code = self.kill()
        return code

    def kill(self) -> int:
        """End the child and its whole process group without grace; otherwise like `stop`."""
        self._sweep()
        while self._code is None:
            self._look()
        self._reap()
        self._close_pipes()
        return self._code

    def pids(self) -> frozenset[int]:
        """Return the processes with its mark: itself and all that it started, as far as they kept their environment."""
        return frozenset({self.pid, *(marked(self.mark) if self.mark else ())})

    def _ended_within(self, timeout_s: float | None) -> int | None:
        """Return the exit code once the child has ended, or None if the time is up first."""
        deadline_s = math.inf if timeout_s is None else time.monotonic() + timeout_s
        delay_s = 0.0005
        while self.poll() is None and (left_s := deadline_s - time.monotonic()) > 0:
            delay_s = min(2 * delay_s, left_s, 0.05)
            time.sleep(delay_s)
        return self._code

    def _look(self, options: int = 0) -> None:
        """Read the exit code if the child has ended, or wait for it.

        This avoids the lock of `Popen.poll`, which an exception from a signal handler, such as Ctrl-C, may leave locked
        for ever. It does not reap the child, so that an interrupted call can be repeated.
        """
        try:
            found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | options)
        except ChildProcessError:
            # Where SIGCHLD is ignored, the exit code of a child is lost.
            self._code = 0
            return
        if found is not None:
            self._code = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status

    def _reap(self) -> None:
        """Reap the child, whose exit code is known."""
        self._process.wait()

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of its log, without secrets; empty without a log."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(self._secrets.hide(text).splitlines()[-lines:])

    def _sweep(self) -> None:
        """Kill the process group and the processes with its mark, once: the group's number may be reused later."""
        if not self._swept:
            self._swept = True
            kill_group(self.pid)
            if self.mark:
                kill_marked(self.mark)
            self._on_end(self)

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                # Data that was written but never read is lost with its reader.
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
