"""The measured child process, for one subject and one run.

It imports only what it measures. Locust must come before everything that the target imports, since it
monkey-patches the process; a target that turns out to need another engine than Locust's gets a fresh, unpatched program in
the same process. The target's own output goes to the log, not to the messages on stdout.
"""

import dataclasses
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn, Protocol

import msgspec

from harness.clock import SystemClock
from harness.errors import HarnessError
from harness.model import Engine
from harness.processes.hosting import OneOfSeveral, write_account
from harness.processes.job import Doing, Done, Failed, Go, Job, Message, Ready
from harness.processes.tree import OwnTree
from harness.profiles.capture.ptrace import allow_ptrace
from harness.target.carrying import Carrier
from harness.target.hidden_output import hide_in_output
from harness.target.importing import append_current_folder
from harness.target.loading import LoadedTarget, closing_target, make
from harness.target.spec import first_engine

Send = Callable[[Message], None]

# By name, so that only the modules that the job needs are imported, and Locust first of all.
_DRIVERS = {
    "memory": "harness.processes.fixed",
    "count": "harness.processes.counted",
    "trace": "harness.processes.traced",
}
_ENGINES = {
    Engine.GEVENT: "harness.load.engine",
    Engine.ASYNCIO: "harness.load.aio.engine",
    Engine.THREADS: "harness.load.threads.engine",
}
"""Drivers of a load."""


class Channel:
    """Messages to the supervisor over the real stdout; file descriptor 1 is stderr, the log, as long as this program runs."""

    def __init__(self) -> None:
        self._descriptor = os.dup(1)
        os.dup2(2, 1)
        sys.stdout = sys.stderr

    def __call__(self, message: Message) -> None:
        """Send a message."""
        os.write(self._descriptor, msgspec.json.encode(message) + b"\n")

    def start_again(self, job: Job) -> NoReturn:
        """Replace this program by a fresh one with `job`, in the same process: what is imported and patched is gone."""
        descriptor = os.memfd_create("job", 0)
        os.write(descriptor, msgspec.json.encode(job))
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.dup2(self._descriptor, 1)
        os.execv(sys.executable, [sys.executable, "-P", "-m", __spec__.name, str(descriptor)])  # noqa: S606 - the same program


def main() -> int:
    """Read one job from stdin, or from the descriptor given as argument; carry it out, and report how it ended."""
    channel = Channel()
    # Where the kernel lets only ancestors read a process, this also lets the supervisor's profiler read it.
    allow_ptrace(os.getppid())
    job = _read_job()
    try:
        own = OwnTree(Path(job.overlay)) if job.overlay else None
        if own:
            job = msgspec.structs.replace(job, factory=own.own_place(job.factory))
        append_current_folder()
        hide_in_output(job.parameters)
        if job.kind == "look":
            _look(job, channel)
        else:
            engine = job.engine or first_engine(job.factory, job.parameters)
            make_driver = _driver(job, engine)
            with Carrier() as carrier:
                _measure(job, channel, make_driver, carrier, own, engine)
    except HarnessError as error:
        channel(Failed.of(error))
        return error.exit_code
    channel(Done())
    return 0


def _read_job() -> Job:
    if sys.argv[1:]:
        with open(int(sys.argv[1]), "rb") as file:  # noqa: PTH123 - a descriptor
            return msgspec.json.decode(file.read(), type=Job)
    return msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)


class Driver(Protocol):
    """The interface of an object that carries out a job."""

    def open(self) -> None:
        """Hook into the target and open it."""

    def drive(self, mix: Mapping[str, float], send: Send) -> None:
        """Measure, and write all results into the job's folder."""


MakeDriver = Callable[..., Driver]
"""Function of (job, target, carrier), and of a `Hosting` for one of several processes of a run."""


def _driver(job: Job, engine: Engine) -> MakeDriver:
    module = importlib.import_module(_ENGINES[engine] if job.kind == "load" else _DRIVERS[job.kind])
    driver: MakeDriver = module.Driver
    return driver


def _look(job: Job, send: Send) -> None:
    began_ns = SystemClock.now_ns()
    target = make(job.factory, job.parameters)
    send(Ready(dict(target.operations), target.file, SystemClock.now_ns() - began_ns, target.engine))


def _measure(
    job: Job, send: Channel, make_driver: MakeDriver, carrier: Carrier, own: OwnTree | None, engine: Engine
) -> None:
    began_ns = SystemClock.now_ns()
    target = make(job.factory, job.parameters)
    if job.kind == "load" and target.engine is not engine:
        send.start_again(msgspec.structs.replace(job, engine=target.engine))
    hosting = (OneOfSeveral(job.share, send),) if job.share else ()
    driver = make_driver(job, target, carrier, *hosting)
    with closing_target(dataclasses.replace(target, close=_announced(target.close, "close()", send))):
        send(Doing("open()"))
        driver.open()
        opening_ns = SystemClock.now_ns() - began_ns
        if own:
            own.check(job.factory, target.file)
        send(ready_of(target, opening_ns))
        if line := sys.stdin.buffer.readline():
            driver.drive(msgspec.json.decode(line, type=Go).operations, send)
            if job.share:
                write_account(job)
            # Modules that its first call imported count too.
            if own:
                own.check(job.factory, target.file)


def ready_of(target: LoadedTarget, opening_ns: int) -> Ready:
    """Return the report of a target that is open."""
    return Ready(
        operations=dict(target.operations),
        file=target.file,
        opening_ns=opening_ns,
        engine=target.engine,
        journey=[step.operation for step in target.journey.steps],
        notes=target.notes,
        remarks=target.remarks,
    )


def _announced(function: Callable[[], None], what: str, send: Send) -> Callable[[], None]:
    def announced() -> None:
        send(Doing(what))
        function()

    return announced


if __name__ == "__main__":
    sys.exit(main())
