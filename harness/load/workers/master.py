"""Lead one run as Locust's master: gather the workers, give each its part, give all one time zero, and keep their reports.

Run as `python -P -m harness.load.workers.master`; it exchanges JSON lines with its supervisor like a measured process.
"""

# Imported first because it monkey-patches.
from locust import runners  # isort: skip
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import gevent
import msgspec
from gevent.fileobject import FileObject
from gevent.queue import Queue
from locust.env import Environment

from harness.clock import NS_PER_S, SystemClock
from harness.errors import HarnessError, TargetError
from harness.load.engine import user_class
from harness.load.workers.member import FOREVER, MASTER_HOST
from harness.load.workers.private_rpc import close_to_strangers
from harness.processes.job import Done, Failed, Go, Listening, Message, Ready, Started
from harness.processes.worker import Channel
from harness.processes.worker_messages import ACCOUNT, FAILURE, Kind, Lost, Member, ToMaster, WorkerRun
from harness.run.directory import write_atomically

# Time for messages to arrive and for Locust to spawn users before warm-up begins.
_LEAD_S = 0.5

Heard = tuple[str, str, bytes]
"""Received message: its kind, its sender, and its body."""


class Master:
    """The master's exchange of messages with the workers."""

    def __init__(self, worker_run: WorkerRun, send: Callable[[Message], None], heard: "Queue[Heard]") -> None:
        runners.HEARTBEAT_LIVENESS = FOREVER
        self._worker_run = worker_run
        self._send = send
        self._heard = heard
        self._members: dict[str, Member] = {member.name: member for member in worker_run.members}
        self._clients: dict[str, str] = {}
        self._gone: set[str] = set()
        self._early: list[Heard] = []
        environment = Environment(user_classes=[user_class(_no_model)], catch_exceptions=False)
        key = close_to_strangers()
        self._runner = environment.create_master_runner(MASTER_HOST, 0)
        for kind in Kind.TO_MASTER:
            self._runner.register_message(kind, self._hear)
        send(Listening(self._runner.server.port, key))

    def run(self) -> None:
        """Lead the run from the first hello to the last report. Raises the error that prevents its start."""
        for name, _ in self._gather(Kind.HELLO, must=True):
            self._say(name, Kind.JOB, msgspec.json.encode(self._members[name]))
        ready = [msgspec.json.decode(body, type=Ready) for _, body in self._gather(Kind.READY, must=True)]
        self._send(ready[0])
        go = self._wait_go()
        for name in self._members:
            self._say(name, Kind.GO, msgspec.json.encode(go))
        list(self._gather(Kind.ARMED, must=True))
        self._start()
        for name, body in self._gather(Kind.REPORT, must=False):
            write_atomically(Path(self._members[name].job.folder) / ACCOUNT, body)
        self._runner.quit()

    def stop(self) -> None:
        """Ask every worker to end early but normally."""
        for name in self._clients:
            self._say(name, Kind.STOP)

    def _start(self) -> None:
        gevent.signal_handler(signal.SIGTERM, self.stop)
        worker_run = self._worker_run
        origin_ns = SystemClock.now_ns() + round((_LEAD_S + worker_run.warmup_s) * NS_PER_S)
        for name in self._members:
            self._say(name, Kind.START, str(origin_ns).encode())
        self._send(Started(origin_ns, origin_ns + round(worker_run.duration_s * NS_PER_S)))
        # All at once, as in one process; it waits for the workers to say so.
        gevent.spawn(self._runner.start, worker_run.users, spawn_rate=worker_run.users)

    def _gather(self, kind: str, *, must: bool) -> Iterable[tuple[str, bytes]]:
        """Yield each worker's message of `kind` as it arrives, until all remaining workers have sent theirs.

        Raises `TargetError` for a worker that fails or is lost, if all workers `must` send one.
        """
        waiting = set(self._members) - self._gone
        while waiting:
            what, name, body = self._next(kind, Kind.FAILED, Lost.__name__)
            if what == kind:
                waiting.discard(name)
                yield name, body
            elif what == Kind.FAILED:
                self._fail(name, body, must=must)
                waiting.discard(name)
            else:
                if must:
                    raise TargetError(
                        f"{name} {body.decode()} before the run began",
                        remedy="Look at what the target does when it is imported, made and opened",
                    )
                waiting.discard(name)
                self._gone.add(name)

    def _fail(self, name: str, body: bytes, *, must: bool) -> None:
        failed = msgspec.json.decode(body, type=Failed)
        if must:
            raise _RefusedError(failed)
        self._gone.add(name)
        write_atomically(Path(self._members[name].job.folder) / FAILURE, body)
        if failed.refused:
            # If one worker cannot measure the target, no worker can.
            self.stop()

    def _next(self, *kinds: str) -> Heard:
        """Return the first message of these kinds. A message of a quick worker may be ahead, and is kept for later."""
        for heard in self._early:
            if heard[0] in kinds:
                self._early.remove(heard)
                return heard
        while (heard := self._heard.get())[0] not in kinds:
            self._early.append(heard)
        return heard

    def _wait_go(self) -> Go:
        _, _, body = self._next(Go.__name__)
        return msgspec.json.decode(body, type=Go)

    def _say(self, name: str, kind: str, body: bytes = b"") -> None:
        self._runner.send_message(kind, {"body": body}, self._clients[name])

    def _hear(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002 - Locust's names
        name = msg.data["name"]
        self._clients[name] = msg.node_id
        self._heard.put((msg.type, name, msg.data["body"]))


class _RefusedError(HarnessError):
    """Error of a worker that cannot continue, with the worker's own message."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.what, where=failed.where, remedy=failed.remedy)
        self.failed = failed


def _no_model() -> Any:
    raise AssertionError("a master spawns no users")


def _listen(lines: FileObject, heard: "Queue[Heard]") -> None:
    """Put the supervisor's messages into the queue of the workers' messages."""
    for line in lines:
        said = msgspec.json.decode(line, type=ToMaster)
        if isinstance(said, Lost):
            heard.put((Lost.__name__, said.name, said.how.encode()))
        else:
            heard.put((Go.__name__, "", msgspec.json.encode(said)))


def main() -> int:
    """Lead one run, and report how it ended."""
    send = Channel()
    logging.getLogger("locust").setLevel(logging.WARNING)
    lines = FileObject(os.dup(0), "rb")
    worker_run = msgspec.json.decode(lines.readline(), type=WorkerRun)
    heard: Queue[Heard] = Queue()
    gevent.spawn(_listen, lines, heard)
    try:
        Master(worker_run, send, heard).run()
    except _RefusedError as error:
        send(error.failed)
        return error.failed.exit_code
    except HarnessError as error:
        send(Failed.of(error))
        return error.exit_code
    send(Done())
    return 0


if __name__ == "__main__":
    sys.exit(main())
