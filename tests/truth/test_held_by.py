"""Who held the loop, against a journal: one operation holds it, one waits, and a greenlet of the target holds it too."""

import json

import numpy as np
import pytest

from tests.support.cli import facts, inside, returned, table
from tests.truth.conftest import TOLERANCE

pytestmark = pytest.mark.measures

SOURCE = """
import json
import time

import gevent

now_ns = time.perf_counter_ns


class Shared:
    operations = {"hold": 1, "wait": 3}

    def __init__(self, journal):
        self._journal, self._held = journal, {"hold": [], "other": []}

    def open(self):
        self._beside = gevent.spawn(self._hold_now_and_then)

    def close(self):
        with open(self._journal, "w") as file:
            json.dump(self._held, file)

    def make_event(self, operation, rng):
        return operation

    def call(self, operation):
        if operation == "hold":
            self._hold("hold", 0.002)
        else:
            time.sleep(0.005)

    def _hold(self, who, seconds):
        start_ns = now_ns()
        while now_ns() < start_ns + seconds * 1e9:
            pass
        self._held[who].append([start_ns, now_ns()])

    def _hold_now_and_then(self):
        while True:
            gevent.sleep(0.02)
            self._hold("other", 0.003)


def create(journal):
    return Shared(journal)
"""


@pytest.fixture(scope="module", params=["steady", "closed"])
def shared(request, tmp_path_factory):
    """A run, its waiting rows, and what was held by whom within each of them, by the journal."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "shared.py").write_text(SOURCE)
    spec = f"{folder / 'shared.py'}:create?journal={folder / 'journal'}"
    load = ("--users", 6) if request.param == "closed" else ("--rate", 200)
    said = inside(
        folder, "run", request.param, "--target", spec, *load, "--duration", "1s", "--warmup", "200ms", "--json",
        "--out", folder / "runs",
    )  # fmt: skip
    rows = returned(table(said.run["dir"]))
    rows = rows[rows["intended_ns"] >= 0]
    held = json.loads((folder / "journal").read_text())
    origin_ns = facts(said.run["dir"])["origin_ns"]
    return said.run, rows, {who: np.array(times) - origin_ns for who, times in held.items()}


def within(rows, held):
    """Return how much of the stretches lies within each of the rows."""
    starts = np.maximum(rows["entered_ns"][:, None], held[None, :, 0])
    ends = np.minimum(rows["completed_ns"][:, None], held[None, :, 1])
    return np.maximum(ends - starts, 0).sum(axis=1)


def test_each_row_adds_up_to_the_waiting_of_its_operation(shared):
    run, rows, _ = shared
    for number, (name, by) in enumerate(run["held_by"].items()):
        waited_ns = int(rows["wait_busy_ns"][rows["operation"] == number].sum())
        special = sum(length_ns for key, length_ns in by.items() if key != "operations")
        assert sum(by["operations"].values()) + special == waited_ns, name


def test_a_call_never_waits_for_less_than_others_held(shared):
    _, rows, held = shared
    waits = rows[rows["operation"] == 1]
    others_ns = within(waits, held["hold"]) + within(waits, held["other"])
    assert (waits["wait_busy_ns"] >= others_ns).all()


@pytest.mark.parametrize("who", ["hold", "other"])
def test_what_each_held_is_what_the_journal_says(shared, who):
    run, rows, held = shared
    waits = rows[rows["operation"] == 1]
    by = run["held_by"]["wait"]
    told_ns = by["operations"]["hold"] if who == "hold" else by["other_greenlets"]
    true_ns = int(within(waits, held[who]).sum())
    assert told_ns >= true_ns
    # Another process may also take the processor between a switch and the stamp of the journal.
    assert told_ns <= true_ns * (1 + 2 * TOLERANCE)


def test_calls_that_wait_do_not_hold_the_loop(shared):
    run, rows, _ = shared
    by = run["held_by"]["wait"]
    assert by["operations"]["wait"] < 0.2 * by["operations"]["hold"]
    assert by["driver"] > 0
    assert (by["pacer"] > 0) == (run["scenario"] == "steady")
    # The one that holds it never gives it away, so it never waits.
    assert rows["wait_busy_ns"][rows["operation"] == 0].sum() == 0
