"""Start one server of the project, wait until it is ready, and stop it with all of its processes."""

import contextlib
import dataclasses
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import HarnessError, ServerError, TargetError
from harness.policy.servers import PORT, ServerSettings
from harness.redaction.redact import learn_secrets
from harness.serving.listening import LOOPBACK, free_port, ports_of
from harness.serving.readiness import Question
from harness.supervise import Child, Supervisor, ending, how_it_ended

_ATTEMPTS = 3
_POLL_S = 0.005
_TAKEN = re.compile(r"address already in use|EADDRINUSE|port \d+ is (already )?in use", re.IGNORECASE)
_SECRET = re.compile(r"\$\{([A-Za-z_]\w*)\}", re.ASCII)
_QUOTED_LINES = 8
_IMPORT_PATH = "PYTHONPATH"


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """The place to start a server: the folder of its code, its interpreter, and variables of its environment."""

    tree: Path = dataclasses.field(default_factory=Path.cwd)
    python: str = sys.executable
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that is ready; `ready_ns` is the time from its start until then."""

    name: str
    command: str
    port: int
    child: Child
    ready_ns: int

    @property
    def url(self) -> str:
        """The address."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def title(self) -> str:
        """The server in a sentence."""
        return title(self.name)


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """A server as configured, and the place to start it."""

    name: str
    settings: ServerSettings
    place: Place = dataclasses.field(default_factory=Place)

    @contextlib.contextmanager
    def running(self, supervisor: Supervisor, log: Path) -> Iterator[RunningServer]:
        """Yield the server once it is ready; it has ended with all of its processes after the block.

        Raises `TargetError` for a server that cannot be started, ends, or is not ready in time, with the end of its log.
        """
        stop = self.settings.stop
        with contextlib.ExitStack() as stack:
            for attempt in range(_ATTEMPTS):
                child, port = self._started(supervisor, log)
                stack.callback(child.stop, stop.grace_s, stop.number)
                try:
                    ready_ns = self._wait(child, port)
                except _PortTakenError as error:
                    child.stop(stop.grace_s, stop.number)
                    if attempt == _ATTEMPTS - 1:
                        raise self._trouble(child, f"found its port taken {_ATTEMPTS} times") from error
                    continue
                yield RunningServer(self.name, self.settings.shown, port, child, ready_ns)
                return

    def _started(self, supervisor: Supervisor, log: Path) -> tuple[Child, int]:
        port = free_port()
        filled = {PORT: str(port), "{tree}": str(self.place.tree), "{python}": self.place.python}
        program, *words = (_fill(word, filled) for word in self.settings.words)
        environment = self._environment(filled)
        program = self._program(program)
        try:
            child = supervisor.start(
                title(self.name),
                [program, *words],
                log=log,
                env=environment,
                cwd=self.place.tree,
                marked=True,
            )
        except ServerError as error:
            raise TargetError(error.what, remedy="Install it, or correct the server's command") from error
        return child, port

    def _environment(self, filled: Mapping[str, str]) -> dict[str, str]:
        # Programs of the project's environment are found although it is not activated.
        beside = str(Path(self.place.python).parent)
        path = os.pathsep.join(filter(None, [beside, os.environ.get("PATH", os.defpath)]))
        own = {key: _fill(value, filled, self.name) for key, value in self.settings.environment.items()}
        if _IMPORT_PATH in own:
            # What the project adds to the import path comes after the code of the measured side.
            first = self.place.environment.get(_IMPORT_PATH)
            own[_IMPORT_PATH] = os.pathsep.join(filter(None, [first, own[_IMPORT_PATH]]))
        return {**os.environ, "PATH": path, **self.place.environment, **own}

    def _program(self, program: str) -> str:
        """Return the program's path: a relative one is in the tree, a plain name on the search path."""
        if "/" not in program:
            return program
        place = self.place.tree / program
        if not place.is_file():
            raise TargetError(
                f"{title(self.name)} cannot be started: there is no program {program}",
                where=str(self.place.tree),
                remedy="Correct its command",
            )
        if not os.access(place, os.X_OK):
            raise TargetError(
                f"{title(self.name)} cannot be started: {program} is not executable",
                where=str(place),
                remedy=f"Make it so: chmod +x {program}",
            )
        return str(place)

    def _wait(self, child: Child, port: int) -> int:
        """Return the time until the server is ready, in ns."""
        is_ready = Question(self.settings.ready, port)
        deadline_s = time.monotonic() + self.settings.ready_within_s
        while True:
            self._require_alive(child)
            if is_ready():
                ready_ns = round((time.monotonic() - child.started_s) * 1e9)
                self._require_own(child, port)
                return ready_ns
            if time.monotonic() >= deadline_s:
                within = (
                    f"was not ready within {self.settings.ready_within} ({is_ready.text}: {is_ready.answer})"
                )
                others = ports_of(child.pids())
                if others and port not in others:
                    within += f"; it listens on port {', '.join(map(str, sorted(others)))} instead"
                raise self._trouble(child, within)
            time.sleep(_POLL_S)

    def _require_alive(self, child: Child) -> None:
        code = child.poll()
        if code is None:
            return
        if _TAKEN.search(child.log_tail(100)):
            raise _PortTakenError
        how = f"{ending(code)} before it was ready"
        raise self._trouble(child, f"{how}; its command must stay in the foreground" if code == 0 else how)

    def _require_own(self, child: Child, port: int) -> None:
        """Raise an error if another process answered on the port."""
        self._require_alive(child)
        own = ports_of(child.pids())
        if own and port not in own:
            raise _PortTakenError

    def _trouble(self, child: Child, what: str) -> HarnessError:
        said = child.log_tail(_QUOTED_LINES)
        return TargetError(
            f"{title(self.name)} {what}",
            where=f"its log is {child.log}",
            remedy=f"Its output ends with:\n{said}" if said else "It wrote no output",
        )


class _PortTakenError(Exception):
    """Another process has the port."""


def title(name: str) -> str:
    """Return a server's name for sentences."""
    return f"Server '{name}'"


def how_lost(server: RunningServer) -> str | None:
    """Return the sentence on a server that has ended, with the end of its output; None for one that runs."""
    code = server.child.poll()
    if code is None:
        return None
    said = server.child.log_tail(3).replace("\n", " | ")
    return f"{server.title} {how_it_ended(code)} during the run; " + (
        f"its last output: {said}" if said else "it wrote no output"
    )


def _fill(text: str, filled: Mapping[str, str], server: str = "") -> str:
    """Return a text with its placeholders filled in; `${NAME}` too, from the environment, if `server` is named."""
    for word, value in filled.items():
        text = text.replace(word, value)
    return _SECRET.sub(lambda found: _secret(found[1], server), text) if server else text


def _secret(name: str, server: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise TargetError(
            f"{title(server)} needs variable {name}, which the environment lacks",
            remedy=f"Set it: export {name}=…",
        )
    learn_secrets([value])
    return value
