"""The measured child process, for one subject and one run.

It imports only what it measures. Locust must come before everything that the target imports, since it
monkey-patches the process. The target's own output goes to the log, not to the messages on stdout.
"""

import dataclasses
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from harness.clock import SystemClock
from harness.errors import HarnessError
from harness.processes.job import Doing, Done, Failed, Go, Job, Message, Ready
from harness.processes.tree import OwnTree
from harness.profiles.capture.ptrace import allow_ptrace
from harness.target.carrying import Carrier
from harness.target.loading import LoadedTarget, append_current_folder, closing_target, make

Channel = Callable[[Message], None]

# By name, so that only the modules that the job needs are imported, and Locust first of all.
_DRIVERS = {
    "load": "harness.load.engine",
    "memory": "harness.processes.fixed",
    "count": "harness.processes.counted",
    "trace": "harness.processes.traced",
}


def main() -> int:
    """Read one job from stdin, carry it out, and report how it ended."""
    send = open_channel()
    # Where the kernel lets only ancestors read a process, this also lets the supervisor's profiler read it.
    allow_ptrace(os.getppid())
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    try:
        own = OwnTree(Path(job.overlay)) if job.overlay else None
        append_current_folder()
        make_driver = _driver(job)
        with Carrier() as carrier:
            _measure(job, send, make_driver, carrier, own)
    except HarnessError as error:
        send(Failed.of(error))
        return error.exit_code
    send(Done())
    return 0


class Driver(Protocol):
    """The interface of an object that carries out a job."""

    def open(self) -> None:
        """Hook into the target and open it."""

    def drive(self, mix: Mapping[str, float], send: Channel) -> None:
        """Measure, and write all results into the job's folder."""


MakeDriver = Callable[[Job, LoadedTarget, Carrier], Driver]


def _driver(job: Job) -> MakeDriver:
    module = importlib.import_module(_DRIVERS[job.kind])
    driver: MakeDriver = module.Driver
    return driver


def _measure(job: Job, send: Channel, make_driver: MakeDriver, carrier: Carrier, own: OwnTree | None) -> None:
    began_ns = SystemClock.now_ns()
    target = make(job.factory, job.parameters)
    driver = make_driver(job, target, carrier)
    with closing_target(dataclasses.replace(target, close=_announced(target.close, "close()", send))):
        send(Doing("open()"))
        driver.open()
        opening_ns = SystemClock.now_ns() - began_ns
        if own:
            own.check([target.file])
        send(Ready(dict(target.operations), target.file, opening_ns))
        if line := sys.stdin.buffer.readline():
            driver.drive(msgspec.json.decode(line, type=Go).operations, send)
            # Modules that its first call imported count too.
            if own:
                own.check([target.file])


def _announced(function: Callable[[], None], what: str, send: Channel) -> Callable[[], None]:
    def announced() -> None:
        send(Doing(what))
        function()

    return announced


def open_channel() -> Channel:
    """Keep the real stdout for messages and point file descriptor 1 at stderr, which is the log."""
    descriptor = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr

    def send(message: Message) -> None:
        os.write(descriptor, msgspec.json.encode(message) + b"\n")

    return send


if __name__ == "__main__":
    sys.exit(main())
