"""Unchanged locustfiles under `harness locust`, against a server that knows what it served."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections import Counter

import numpy as np

from harness.model import Outcome
from harness.reading.judging import judge
from harness.reading.summary import load
from harness.requests.template import operation_of
from harness.table.aside import Aside, is_of
from tests.support.cli import COMMAND, returned
from tests.support.locust import every_row
from tests.support.paths import ROOT

FILES = ROOT / "tests" / "truth" / "locustfiles"
PATIENCE_S = 90.0


@dataclasses.dataclass(frozen=True)
class Done:
    """A finished Locust process with its only run, None if it left none."""

    code: int
    stdout: str
    stderr: str
    run: object = None

    @property
    def reasons(self):
        return judge(self.run).validity.reasons

    @property
    def counts(self):
        """The number of all rows, by operation."""
        rows = every_row(self.run)
        names = list(self.run.operations)
        return {name: int((rows["operation"] == names.index(name)).sum()) for name in names}

    def rows(self, operation=None):
        rows = every_row(self.run)
        if operation is None:
            return rows
        return rows[rows["operation"] == list(self.run.operations).index(operation)]


def start(folder, *words, program=(*COMMAND, "locust"), **variables):
    """Start Locust in a folder, without its own tables and our page."""
    return subprocess.Popen(
        [*program, *map(str, words), "--headless", "--only-summary", "--no-report"],
        cwd=folder, env={**os.environ, "COLUMNS": "200", **variables}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )  # fmt: skip


def end_of(process, folder):
    """Return a process at its end, with its run."""
    try:
        stdout, stderr = process.communicate(timeout=PATIENCE_S)
    finally:
        if process.poll() is None:
            process.kill()
    runs = sorted((folder / "runs").glob("*/"))
    assert len(runs) < 2, runs
    return Done(process.returncode, stdout, stderr, load(runs[0]) if runs else None)


def locust(folder, *words, **variables):
    """Run Locust to its end."""
    return end_of(start(folder, *words, **variables), folder)


PLAIN = (sys.executable, "-m", "locust")


def assert_one_to_one(done, served, named=None):
    """Each answered request has its row and each row its request, by operation; a request arrived after its row began.

    Locust may end a user that has just woken, so that the request which it begins is never sent: such rows are unfinished,
    and aside.
    `named` maps paths without a query to the operations that the script named.
    """
    named = named or {}
    arrived, took_ns = {}, Counter()
    for one in served:
        path = one.path.partition("?")[0]
        name = named.get(path) or next(
            (name for prefix, name in named.items() if prefix.endswith("*") and path.startswith(prefix[:-1])),
            None,
        )
        operation = operation_of(one.method, path) if name is None else f"{one.method} {name}"
        arrived.setdefault(operation, []).append(one.arrived_ns)
        took_ns[operation] += one.ended_ns - one.arrived_ns
    origin_ns = done.run.facts.origin_ns
    sent = {name: sent_rows(done.rows(name)) for name in done.counts if not name.startswith("db")}
    rows = {name: len(mine) for name, mine in sent.items()}
    requests = {name: len(times) for name, times in arrived.items()}
    assert rows == requests, {name: (rows.get(name), requests.get(name)) for name in rows | requests}
    for name, times_ns in arrived.items():
        rows = sent[name]
        assert (np.sort(rows["dispatched_ns"]) + origin_ns <= np.sort(times_ns)).all(), name
        ended = returned(rows)
        # Locust does not time the rest of a stream.
        if len(ended) == len(rows) and "stream" not in name:
            assert (ended["completed_ns"] - ended["entered_ns"]).sum() >= took_ns[name], name


def sent_rows(rows):
    """Return the rows of requests that were sent."""
    return rows[~(is_of(rows, Aside.AFTER_END) & (rows["outcome"] == Outcome.UNFINISHED))]


def told(done):
    """Locust's own number of requests by name and method, of `--json`."""
    return {(row["method"], row["name"]): row["num_requests"] for row in json.loads(done.stdout)}
