"""One call in 20 stumbles, in one of two runs: the mean, p95 and p99 are divided accordingly, down to who waited."""

import json
import re

import numpy as np
import pytest

from harness.reading import summary
from harness.reading.judging import judge
from reports.run import html, view
from tests.support.cli import inside, returned, table
from tests.truth.conftest import TOLERANCE

pytestmark = pytest.mark.measures
SOURCE = """
import time

now_ns = time.perf_counter_ns


class Stumbling:
    def __init__(self, stumble_ms, journal):
        self._stumble_s, self._count = float(stumble_ms) / 1000, 0
        self._journal, self._stumbled = journal, {}

    def close(self):
        import json
        with open(self._journal, "w") as file:
            json.dump(self._stumbled, file)

    def call(self, _event):
        self._count += 1
        mine = self._count
        self.usual()
        if mine % 20 == 0 and self._stumble_s:
            start_ns = now_ns()
            self.stumble()
            self._stumbled[mine] = now_ns() - start_ns

    def usual(self):
        time.sleep(0.001)

    def stumble(self):
        time.sleep(self._stumble_s)


def create(stumble_ms, journal):
    return Stumbling(stumble_ms, journal)
"""
# Another process on the machine spoils no size of 200 ms; it must not withhold the latencies.
SETTINGS = """
[tool.harness.validity]
lag-percent = [1000, 10000]
lag-ms = [1000, 10000]
descheduled-percent = [90, 100]
late-percent = [90, 100]
"""


@pytest.fixture(scope="module")
def divided(tmp_path_factory):
    """The attributions of a run with stumbles against one without, the page, and how long the calls stumbled.

    The last is by measured call, the slowest response first.
    """
    folder = tmp_path_factory.mktemp("stumbling")
    (folder / "stumbling.py").write_text(SOURCE)
    (folder / "pyproject.toml").write_text(SETTINGS)
    runs = []
    for stumble_ms in (0, 200):
        spec = f"stumbling.py:create?stumble_ms={stumble_ms}&journal={folder / f'journal-{stumble_ms}'}"
        # p99 is divided from 2,000 calls on.
        said = inside(
            folder, "run", "steady", "--target", spec, "--rate", 900, "--duration", "2400ms", "--warmup", "300ms",
            "--json",
        )  # fmt: skip
        runs.append(said.run["dir"])
    built = view.build([judge(summary.load(folder / run)) for run in runs])
    stumbled_ns = by_response(folder / runs[1], json.loads((folder / "journal-200").read_text()))
    return {made.metric: made for made in built.attributions}, html.render(built), stumbled_ns


def by_response(run, journal):
    """Return for each measured call how long it stumbled: the n-th that was entered is the journal's n-th."""
    rows = returned(table(run))
    rows = rows[np.argsort(rows["entered_ns"], kind="stable")]
    stumbled_ns = np.array([journal.get(str(number), 0) for number in range(1, len(rows) + 1)])
    order = np.argsort(rows["intended_ns"] - rows["completed_ns"], kind="stable")
    return stumbled_ns[order][rows["intended_ns"][order] >= 0]


def parts(made):
    return {row.label: row for row in made.rows if not row.of}


def stumbles(made):
    """The changes that stand at the function that slept, by the part that they are a share of."""
    return {row.of: row.change_ns for row in made.rows if row.label == "Stumbling.stumble"}


def ends_ns(interval):
    """Read `+49.8 ms to +50.6 ms`."""
    found = re.findall(r"([+−±])([\d.]+) (ns|µs|ms|s)", interval)
    units = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}
    return [(-1 if sign == "−" else 1) * float(number) * units[unit] for sign, number, unit in found]


@pytest.mark.parametrize(
    ("metric", "first", "last"), [("mean response", 0, 1), ("p95", 0.025, 0.075), ("p99", 0.005, 0.015)]
)
def test_a_stumble_is_idle_waiting_of_the_right_size_at_the_function_that_stumbled(
    divided, metric, first, last
):
    found, _, stumbled_ns = divided
    made = found[metric]
    wanted_ns = stumbled_ns[round(first * len(stumbled_ns)) : round(last * len(stumbled_ns))].mean()
    assert wanted_ns > 5e6
    told = stumbles(made)
    assert max(told, key=told.get) == "I/O wait"
    assert told["I/O wait"] + told.get("event loop blocked", 0) == pytest.approx(wanted_ns, rel=0.1)
    idle = parts(made)["I/O wait"]
    assert idle == max(parts(made).values(), key=lambda row: row.change_ns)
    low_ns, high_ns = ends_ns(idle.interval)
    assert low_ns < idle.change_ns < high_ns
    assert high_ns > 0.9 * wanted_ns
    assert low_ns < 1.1 * wanted_ns


def test_what_the_mean_says_of_the_stumbles_is_what_the_journal_says(divided):
    found, _, stumbled_ns = divided
    told_ns = sum(stumbles(found["mean response"]).values()) * len(stumbled_ns)
    assert told_ns <= stumbled_ns.sum() * (1 + TOLERANCE)
    assert told_ns >= stumbled_ns.sum() * (1 - 2 * TOLERANCE)


def test_every_metric_adds_up_with_what_nothing_explains(divided):
    found, _, _ = divided
    assert list(found) == ["mean response", "p95", "p99"]
    for made in found.values():
        rows = parts(made)
        assert list(rows)[-1] == "unexplained"
        assert sum(row.change_ns for row in rows.values()) == pytest.approx(made.change_ns, rel=1e-6)
    assert abs(parts(found["p99"])["unexplained"].change_ns) < 0.15 * abs(found["p99"].change_ns)


def test_the_page_leads_from_each_tail_to_the_graph_of_waiting(divided):
    found, page, _ = divided
    for made in found.values():
        assert f"call: {made.metric} {made.change}" in page
        row = next(row for row in made.rows if row.label == "Stumbling.stumble")
        assert row.link.startswith("#flame=waiting")
        assert f'data-key="{row.link.removeprefix("#flame=").partition("&")[0]}"' in page
