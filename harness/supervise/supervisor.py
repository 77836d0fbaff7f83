"""Start child processes and end every one of them."""

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from harness.errors import HarnessError, ServerError
from harness.supervise.child import Child
from harness.supervise.mask import mask_secrets
from harness.supervise.secret import Secrets

_FOLDER = Path(__file__).resolve().parent
_PYTHON = (sys.executable, "-I", "-S")
_MARK = "HARNESS_PROCESS_TREE"


class Supervisor:
    """Own the child processes started inside its `with` block; none of them outlives it.

    At the end of the block, including by an exception or Ctrl-C, children stop in the reverse order of their start; a
    second Ctrl-C kills the remaining ones at once. `secrets` are kept out of every message and log tail.
    """

    def __init__(self, *, redact: Iterable[str] = ()) -> None:
        self.secrets = Secrets(redact)
        self._children: list[Child] = []
        self._guardian: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for child in reversed(self._children):
                child.stop()
        finally:
            for child in self._children:
                child.kill()
            self._dismiss_guardian()

    def start(  # noqa: PLR0913 - these are the arguments of a process; a record would only hide them.
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] | None = None,
        pass_fds: Collection[int] = (),
        marked: bool = False,
    ) -> Child:
        """Start `argv` as a child called `name`, and return at once.

        Its standard error, and its standard output unless `stdout` is given, are appended to the file `log`.
        `env` is the whole environment of the child (default: ours). A `marked` child has a variable in its environment by
        which processes that leave its process group are found and ended too. Call it from the main thread: the kernel
        kills a child when the *thread* that started it ends.

        Raises ServerError if the program does not exist.
        """
        _require_main_thread(name)
        program = _find(name, argv[0], env)
        log.parent.mkdir(parents=True, exist_ok=True)
        self._ensure_guardian()
        mark = f"{_MARK}={secrets.token_hex(8)}" if marked else ""
        if mark:
            env = {**(os.environ if env is None else env), _MARK: mark.partition("=")[2]}
        with log.open("ab") as file:
            began_at = file.tell()
            process = subprocess.Popen(
                [*_PYTHON, str(_FOLDER / "launch.py"), str(os.getpid()), program, *argv],
                stdin=stdin,
                stdout=file if stdout is None else stdout,
                stderr=file,
                env=env,
                cwd=cwd,
                pass_fds=tuple(pass_fds),
                process_group=0,
            )
        child = Child(name, process, log, self.secrets, self._release, began_at, mark)
        self._children.append(child)
        for guard in _guards(child):
            self._tell_guardian(f"+{guard}\n")
        return child

    def running(self) -> tuple[Child, ...]:
        """Return the running children."""
        return tuple(child for child in self._children if child.poll() is None)

    def guard(self, group: int) -> None:
        """Have another process group killed too, if this process ends before `unguard`."""
        self._tell_guardian(f"+{group}\n")

    def unguard(self, group: int) -> None:
        """End `guard`: the number of the group may be reused later."""
        self._tell_guardian(f"-{group}\n")

    def _release(self, child: Child) -> None:
        for guard in _guards(child):
            self._tell_guardian(f"-{guard}\n")
        mask_secrets(child.log, child.log_began_at, self.secrets)

    def _ensure_guardian(self) -> None:
        if self._guardian is None:
            self._guardian = subprocess.Popen(
                [*_PYTHON, str(_FOLDER / "guardian.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                process_group=0,
            )

    def _tell_guardian(self, line: str) -> None:
        # Without its guardian (killed by hand) a supervisor still ends its children, except after its own SIGKILL.
        with contextlib.suppress(BrokenPipeError):
            if self._guardian is not None and self._guardian.stdin is not None:
                self._guardian.stdin.write(line.encode())
                self._guardian.stdin.flush()

    def _dismiss_guardian(self) -> None:
        guardian, self._guardian = self._guardian, None
        if guardian is not None:
            with contextlib.suppress(BrokenPipeError):
                guardian.communicate()


def _guards(child: Child) -> Iterator[int | str]:
    yield child.pid
    if child.mark:
        yield child.mark


def _require_main_thread(name: str) -> None:
    if threading.current_thread() is not threading.main_thread():
        raise HarnessError(
            f"{name} cannot be started from the thread {threading.current_thread().name!r}",
            remedy="Start children from the main thread: they die with the thread that started them.",
        )


def _find(name: str, program: str, env: Mapping[str, str] | None) -> str:
    path = (os.environ if env is None else env).get("PATH", os.defpath)
    found = shutil.which(program, path=path)
    if found is None:
        raise ServerError(
            f"{name} cannot be started: program {program!r} not found",
            remedy="Install it, or put its folder on PATH; `harness doctor` lists missing parts.",
        )
    return str(Path(found).absolute())
