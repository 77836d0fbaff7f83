"""Start the three real servers as child processes, concurrently."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import ServerError
from harness.serving.listening import free_port
from harness.supervise import Child, Supervisor, not_ready, private_folder, ready_yet
from targets.backends.dynamodb import DynamoServer
from targets.backends.graph import GraphServer
from targets.backends.ports import was_taken
from targets.backends.redis import RedisServer
from targets.backends.server import MakesServer, Server

SERVERS: tuple[MakesServer, ...] = (GraphServer, DynamoServer, RedisServer)
"""Servers, the slowest start first."""

_READY_TIMEOUT_S = 60.0
_POLL_S = 0.01
_ATTEMPTS = 3


@dataclasses.dataclass(slots=True)
class _Started:
    """A server that is starting."""

    server: Server
    child: Child
    log: Path
    attempt: int = 1


class EmbeddedServers:
    """DynamoDB (moto), the graph (ArcadeDB) and Redis on free ports of 127.0.0.1, with random passwords.

    Use it inside the supervisor's `with` block; at the end of its own block the servers are stopped and their
    private folder is removed. They start empty, and their user may seed them.
    """

    may_seed = True

    def __init__(
        self,
        servers: Sequence[MakesServer] = SERVERS,
        *,
        find_port: Callable[[], int] = free_port,
        timeout_s: float = _READY_TIMEOUT_S,
    ) -> None:
        self._make = servers
        self._find_port = find_port
        self._timeout_s = timeout_s
        self._private: Path | None = None
        self._closing = contextlib.ExitStack()
        self._started: list[_Started] = []
        self.start_s: dict[str, float] = {}
        """Seconds from the start of each server to its first answer, by store."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, supervisor: Supervisor, folder: Path) -> None:
        """Start all servers, with their logs in `folder`, and return when each has answered a real query.

        Raises ServerError, with the tail of the log, for a server that is missing, dies or does not answer. Call it from
        the main thread.
        """
        self._private = private = self._closing.enter_context(private_folder())
        for make in self._make:
            server = make(private / str(len(self._started)), self._find_port)
            log = folder / f"{server.name}.log"
            log.unlink(missing_ok=True)  # Remove the log of an earlier start, so that it is not read as ours.
            self._started.append(_Started(server, server.start(supervisor, log), log))
        self._wait(supervisor)

    def stop(self) -> None:
        """Stop the servers and remove their private folder; harmless when repeated."""
        try:
            for started in reversed(self._started):
                started.child.stop()
        finally:
            self._closing.close()

    def environment(self) -> dict[str, str]:
        """Return the variables through which the core finds the servers, for merging into `os.environ`."""
        return {
            name: value for started in self._started for name, value in started.server.environment().items()
        }

    def pids(self) -> dict[str, int]:
        """Return the process of each server, to separate its use of the machine from that of the core."""
        return {started.server.name: started.child.pid for started in self._started}

    def _wait(self, supervisor: Supervisor) -> None:
        deadline_s = time.monotonic() + self._timeout_s
        pending = list(self._started)
        while pending:
            pending = [started for started in pending if not self._settle(started, supervisor)]
            if pending and time.monotonic() >= deadline_s:
                raise not_ready(pending[0].child, pending[0].server.what, self._timeout_s)
            time.sleep(_POLL_S)

    def _settle(self, started: _Started, supervisor: Supervisor) -> bool:
        """Return True once the server is ready; start it again on another port if its port was taken."""
        try:
            if ready_yet(started.child, started.server.is_ready, started.server.what):
                self.start_s[started.server.name] = time.monotonic() - started.child.started_s
                return True
        except ServerError:
            if not _port_was_taken(started):
                raise
        # Check also while it runs: ArcadeDB stays alive without its port.
        if _port_was_taken(started):
            _start_again(started, supervisor)
        return False


def _port_was_taken(started: _Started) -> bool:
    return was_taken(started.child.log_tail(lines=100))


def _start_again(started: _Started, supervisor: Supervisor) -> None:
    if started.attempt >= _ATTEMPTS:
        raise ServerError(
            f"{started.server.what} found its port taken {_ATTEMPTS} times",
            where=str(started.log),
            remedy=f"Its log ends with:\n{started.child.log_tail()}",
        )
    started.child.stop()
    started.log.rename(started.log.with_suffix(f".{started.attempt}.log"))
    started.attempt += 1
    started.child = started.server.start(supervisor, started.log)
