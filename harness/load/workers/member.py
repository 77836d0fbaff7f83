"""Run as one of several workers: a Locust worker that hosts its own target and drives its own share of the plan.

Run as `python -P -m harness.load.workers.member PORT NAME`, with PORT of the master on this machine. All messages are
custom messages of Locust's runner.
"""

# Locust monkey-patches on import, which must happen before the target imports anything.
from locust import runners  # isort: skip
import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import msgspec
from gevent.event import Event
from gevent.queue import Queue
from locust.env import Environment

from harness.clock import SystemClock
from harness.errors import HarnessError
from harness.load.engine import Driver, Model, user_class
from harness.load.owner import Owner
from harness.load.workers.private_rpc import unlock
from harness.processes.job import Failed, Go, Job
from harness.processes.tree import OwnTree
from harness.processes.worker import ready_of
from harness.processes.worker_account import Account
from harness.processes.worker_messages import KEY_VARIABLE, Kind, Member
from harness.profiles.capture.ptrace import allow_ptrace
from harness.run.directory import RunDirectory, decode
from harness.run.facts import LoadFacts
from harness.table import shares
from harness.table.calls import load
from harness.target.carrying import Carrier
from harness.target.hidden_output import hide_in_output
from harness.target.importing import append_current_folder
from harness.target.loading import closing_target, make

MASTER_HOST = "127.0.0.1"
# A target may block the event loop longer than any heartbeat timeout; the supervisor notices a dead process.
FOREVER = 10**9
_QUIT_S = 20.0


class Link:
    """The connection to the master, as a `Hosting` of the driver."""

    def __init__(self, port: int, name: str) -> None:
        """Connect. Raises `ConnectionError` if the master does not answer."""
        runners.MASTER_HEARTBEAT_TIMEOUT = FOREVER
        runners.WORKER_LOG_REPORT_INTERVAL = -1
        self.name = name
        self.member: Member | None = None
        self._said: dict[str, Queue] = {kind: Queue() for kind in Kind.TO_WORKER}
        self._model: Model | None = None
        self._has_model = Event()
        self._stopped = False
        environment = Environment(user_classes=[user_class(self._wait_model)], catch_exceptions=False)
        self.runner = environment.create_worker_runner(MASTER_HOST, port)
        for kind in Kind.TO_WORKER:
            self.runner.register_message(kind, self._hear)
        # Only now: the master answers, and messages without a listener would be lost.
        self.say(Kind.HELLO)

    def say(self, kind: str, body: bytes = b"") -> None:
        """Send a message to the master."""
        self.runner.send_message(kind, {"name": self.name, "body": body})

    def wait(self, kind: str) -> Any:
        """Return the body of the next message of a kind."""
        return self._said[kind].get()

    def wait_quit(self) -> None:
        """Return when the master has sent `quit`: then it has received all messages."""
        self.runner.greenlet.join(timeout=_QUIT_S)

    def _hear(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002 - Locust's names
        if msg.type == Kind.STOP:
            self._stopped = True
            if self._model:
                self._model.stopping.set()
        self._said[msg.type].put(msg.data["body"])

    def _wait_model(self) -> Model:
        self._has_model.wait()
        assert self._model is not None  # noqa: S101 - the wait has ended
        return self._model

    def agree_on_origin(self, warmup_s: float) -> int:  # noqa: ARG002 - the master knows it
        """Report that everything is ready, and return the time zero that the master gives to all workers."""
        self.say(Kind.ARMED)
        return int(self.wait(Kind.START))

    def share(self, sequence: list[Any]) -> list[Any]:
        """Return this worker's part of the sequence of closed users."""
        assert self.member is not None  # noqa: S101 - it was told before it drives
        return sequence[self.member.number :: self.member.workers]

    def run(self, model: Model, users: int, owners: dict[object, Owner]) -> None:  # noqa: ARG002 - the master spawns
        """Let the master spawn the users of `model` here, and return when the model has ended."""
        owners.update((helper, Owner()) for helper in self.runner.greenlet)
        self._model = model
        if self._stopped:
            model.stopping.set()
        self._has_model.set()
        model.wait()


def work(link: Link) -> None:
    """Carry out the part that the master assigns, and report it."""
    member = link.member = msgspec.json.decode(link.wait(Kind.JOB), type=Member)
    job, folder = member.job, Path(member.job.folder)
    own = OwnTree(Path(job.overlay)) if job.overlay else None
    if own:
        job = msgspec.structs.replace(job, factory=own.own_place(job.factory))
    append_current_folder()
    with Carrier() as carrier:
        _drive(link, job, carrier, own)
    facts = decode(folder / RunDirectory.FACTS, LoadFacts)
    account = Account.of(member.name, load(folder / shares.CALLS), member.spans, facts)
    link.say(Kind.REPORT, account.pack())


def _drive(link: Link, job: Job, carrier: Carrier, own: OwnTree | None) -> None:
    began_ns = SystemClock.now_ns()
    hide_in_output(job.parameters)
    target = make(job.factory, job.parameters)
    driver = Driver(job, target, carrier, link)
    with closing_target(target):
        driver.open()
        if own:
            own.check(job.factory, target.file)
        ready = ready_of(target, SystemClock.now_ns() - began_ns)
        link.say(Kind.READY, msgspec.json.encode(ready))
        mix = msgspec.json.decode(link.wait(Kind.GO), type=Go).operations
        driver.drive(mix, _nobody)
        if own:
            own.check(job.factory, target.file)


def _nobody(_message: object) -> None:
    """Ignore a message to the supervisor: with several workers the master sends it."""


def main() -> int:
    """Run as a worker until the master sends `quit`."""
    # The target's own output goes to the log.
    os.dup2(2, 1)
    allow_ptrace(os.getppid())
    port, name = sys.argv[1:]
    # The target's code has no use for it.
    unlock(os.environ.pop(KEY_VARIABLE, ""))
    link = Link(int(port), name)
    code = 0
    try:
        work(link)
    except HarnessError as error:
        link.say(Kind.FAILED, msgspec.json.encode(Failed.of(error)))
        code = int(error.exit_code)
    with contextlib.suppress(KeyboardInterrupt):
        link.wait_quit()
    return code


if __name__ == "__main__":
    sys.exit(main())
