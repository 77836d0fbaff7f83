"""Keep the server under test running for one run, sample what it uses, and notice if it ends."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import msgspec

from harness.processes.job import Ready
from harness.processes.measure import Tick
from harness.processes.server_watch import ServerWatch
from harness.processes.subject import Subject
from harness.run.documents import ServedFacts
from harness.serving.server import RunningServer, Server, how_lost
from harness.supervise import Supervisor

LOG = "server.log"


class Serving:
    """One run with the server of its subject, or without one.

    `subject` is the subject as the measured process needs it: its target is the address of the server.
    """

    def __init__(self, subject: Subject, server: RunningServer | None = None) -> None:
        self.subject = subject
        self._server = server
        self._watch = ServerWatch(server.child.pid) if server else None
        if server:
            # The code of a side is the server's; the measured process imports none of it.
            self.subject = dataclasses.replace(subject, factory=server.url, overlay=None, server=server)

    def profiled(self, pid: int) -> int:
        """Return the process to profile: the server's first one if there is a server, else `pid`."""
        return self._server.child.pid if self._server else pid

    def ready(self, ready: Ready) -> Ready:
        """Return the report of the measured process with the time in which the server got ready."""
        return msgspec.structs.replace(ready, opening_ns=self._server.ready_ns) if self._server else ready

    def watching(self, *others: Tick) -> Tick:
        """Return the function to call during the run, which calls the `others` too."""

        def tick(elapsed_s: float) -> None:
            if self._watch:
                self._watch.tick(elapsed_s)
            for other in others:
                other(elapsed_s)

        return tick

    def facts(self) -> ServedFacts | None:
        """Return the facts on the server, before it is stopped."""
        if self._server is None or self._watch is None:
            return None
        server = self._server
        return ServedFacts(
            name=server.name,
            command=server.command,
            port=server.port,
            start_s=server.ready_ns / 1e9,
            trouble=how_lost(server),
            usage=self._watch.usage(),
        )


@contextlib.contextmanager
def serving(supervisor: Supervisor, subject: Subject, folder: Path) -> Iterator[Serving]:
    """Yield the run's server, started for it with its log in `folder`, unless it runs already: then it is left running.

    Raises `TargetError` for one that does not get ready.
    """
    server = subject.server
    if isinstance(server, Server):
        with server.running(supervisor, folder / LOG) as running:
            yield Serving(subject, running)
    else:
        yield Serving(subject, server)
