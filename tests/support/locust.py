"""Processes of plain Locust with the locustfile of the scenarios, alone or as master and workers."""

import contextlib
import dataclasses
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import numpy as np

from harness.errors import InvalidRunError
from harness.profiles.stacks.folded import read_folded
from harness.table import calls
from harness.table.latency import latencies
from tests.support.cli import returned
from tests.support.paths import ROOT
from tests.support.processes import survivors

LOCUSTFILE = ROOT / "scenarios" / "locustfile.py"
# No call of this target completes, so no run of it is valid, however quiet the machine is.
ALL_FAIL = "known:failing?every=1"
IS_INVALID = re.compile(
    r"^harness: The run in runs/\S+ is invalid:\n(?:harness:  - .*\n)*?harness:  - No call completed$",
    re.MULTILINE,
)
PATIENCE_S = 60.0


def free_port():
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


@dataclasses.dataclass(frozen=True)
class Ended:
    """A finished Locust process."""

    code: int
    stdout: str
    log: str

    @property
    def counted(self):
        """Locust's own number of requests, by operation."""
        return {row["name"]: row["num_requests"] for row in json.loads(self.stdout)}


class Crew:
    """Processes of Locust in one folder; none is left at the end of the block."""

    def __init__(self, folder, **variables):
        self.folder = folder
        self.variables = variables
        self.processes = []
        self.port = free_port()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        assert not survivors(process.pid for process in self.processes)

    def start(self, *words, **variables):
        log = (self.folder / f"{len(self.processes)}.log").open("w")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *words],
                cwd=self.folder, env={**os.environ, **self.variables, **variables}, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
            )  # fmt: skip
        self.processes.append(process)
        return process

    def start_all(self, workers, *words):
        """Start a master, and workers once it listens: an early one is told to try again only after 5 s."""
        master = self.start(
            "--master", "--headless", "--master-bind-host", "127.0.0.1", "--master-bind-port", self.port,
            "--expect-workers", str(workers), "--json", *words,
        )  # fmt: skip
        self.until(lambda: "Starting Locust" in self.log(0))
        own = [
            self.start("--worker", "--master-host", "127.0.0.1", "--master-port", self.port, HARNESS_WORKER=str(number))
            for number in range(workers)
        ]  # fmt: skip
        return master, own

    def log(self, number):
        return (self.folder / f"{number}.log").read_text()

    def until(self, condition):
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s and all(
            process.poll() in {None, -9} for process in self.processes
        ):
            with contextlib.suppress(OSError, InvalidRunError):
                if found := condition():
                    return found
            time.sleep(0.05)
        raise AssertionError("".join(self.log(number) for number in range(len(self.processes))))

    def end_of(self, process):
        stdout, _ = process.communicate(timeout=PATIENCE_S)
        return Ended(process.returncode, stdout, self.log(self.processes.index(process)))

    def called(self):
        """Return how many rows each table of calls has by now, by its path."""
        return {
            path: len(calls.load(path)) for path in sorted(self.folder.glob("runs/*/timing/**/calls.npy"))
        }

    def runs(self):
        return sorted((self.folder / "runs").glob("*/"))


def every_row(run):
    """All rows of a run: also those of the ramp-up, which no headline contains."""
    return np.concatenate([run.warmup, run.table])


def counts_of(run):
    """The number of all calls that returned, by operation, as Locust counts them."""
    rows = returned(every_row(run))
    return {name: int((rows["operation"] == number).sum()) for number, name in enumerate(run.operations)}


def check_that_the_waits_add_up(run):
    """What stands on stacks is what the rows waited, to the nanosecond."""
    facts = run.document.profiles.wait
    assert facts.reason is None
    stacks = read_folded(run.directory.path / facts.file).stacks
    for kind, metric in (("(loop idle)", "wait_idle_ns"), ("(loop busy)", "wait_busy_ns")):
        told = sum(weight for stack, weight in stacks.items() if stack[1] == kind)
        assert told == latencies(returned(run.table))[metric].sum(), kind
    assert facts.requests == {name: operation.count for name, operation in run.operations.items()}
