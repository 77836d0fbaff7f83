"""What the truth tests share: one run beside the journal of its target, and the arithmetic on the two.

The runs that several files read are in `tests/truth/catalogue.py`.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.table.histogram import least_count
from tests.support.cli import Said, facts, inside, journal, returned, table
from tests.truth.catalogue import Known

# Both buckets of a histogram and the two stamps around a call: 1 % promised, 0.4 % of a bucket.
TOLERANCE = 0.014
# The journal's stamps lie about 0.4 us inside the row's; what lies further away was preempted in between.
DISTURBED_NS = 5_000
# On a slow processor they lie farther apart, as rows and journal themselves say; what is more than this is a harness that
# adds its own time, and no excuse.
STAMPS_NS, MOST_STAMPS_NS = 400, 2_500
SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}


@dataclasses.dataclass(frozen=True)
class Truth:
    """One finished run, and what its target really did, call by call.

    `rows` are the rows that came back, in the order in which the target was entered; `begun_ns` and `ended_ns`
    are the journal's times of the same calls, on the time axis of the table.
    """

    said: Said
    run: dict[str, Any]
    directory: Path
    rows: np.ndarray
    begun_ns: np.ndarray
    ended_ns: np.ndarray
    failed: np.ndarray

    @property
    def is_measured(self) -> np.ndarray:
        """Which of the rows are of the measured time."""
        return self.rows["intended_ns"] >= 0

    @property
    def is_disturbed(self) -> np.ndarray:
        """Where the machine took the processor away between a stamp of the row and the journal's beside it.

        Such a call has two true times. A harness that adds its own time to calls disturbs most of them: see below.
        """
        return self.around_ns > DISTURBED_NS

    @property
    def around_ns(self) -> np.ndarray:
        """What the stamps of a row and the journal's between them lie apart, both ends together."""
        return self.rows["completed_ns"] - self.rows["entered_ns"] - (self.ended_ns - self.begun_ns)

    @property
    def apart_ns(self) -> float:
        """By how much more than usual the stamps of row and journal lie apart here, in the middle."""
        return float(np.clip(np.median(self.around_ns) - STAMPS_NS, 0, MOST_STAMPS_NS))

    @property
    def service_ns(self) -> np.ndarray:
        """By the journal, in the measured time."""
        by_row_ns = self.rows["completed_ns"] - self.rows["entered_ns"]
        return np.where(self.is_disturbed, by_row_ns, self.ended_ns - self.begun_ns)[self.is_measured]

    @property
    def response_ns(self) -> np.ndarray:
        """From the planned start to the journal's end, in the measured time."""
        ended_ns = np.where(self.is_disturbed, self.rows["completed_ns"], self.ended_ns)
        return (ended_ns - self.rows["intended_ns"])[self.is_measured]


def beside_journal(said: Said, path: Path) -> Truth:
    """Pair the rows of the run that came back with the journal's records: the n-th entered with the n-th begun."""
    run = said.run
    rows = returned(table(run["dir"]))
    rows = rows[np.argsort(rows["entered_ns"], kind="stable")]
    records = journal(path)
    assert len(records) == len(rows)
    origin_ns = facts(run["dir"])["origin_ns"]
    begun_ns, ended_ns = records["start_ns"] - origin_ns, records["end_ns"] - origin_ns
    assert (rows["entered_ns"] <= begun_ns).all()
    assert (ended_ns <= rows["completed_ns"]).all()
    truth = Truth(said, run, Path(run["dir"]), rows, begun_ns, ended_ns, records["failed"])
    assert truth.is_disturbed.mean() < 0.8
    return truth


@pytest.fixture(scope="session")
def measure(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Truth]:
    """Return what runs a scenario against a target of known truth and reads the journal."""

    def run(scenario: str, target: str, *options: object, settings: str = "") -> Truth:
        folder = tmp_path_factory.mktemp("run")
        (folder / "pyproject.toml").write_text(settings)
        spec = f"{target}{'&' if '?' in target else '?'}journal={folder / 'journal'}"
        said = inside(folder, "run", scenario, "--target", spec, "--json", "--out", folder / "runs", *options)
        return beside_journal(said, folder / "journal")

    return run


@pytest.fixture(scope="session")
def truth_of(measure: Callable[..., Truth]) -> Callable[[Known], Truth]:
    """Return what gives a run of the catalogue: made when it is first asked for, and once for all tests."""

    @functools.cache
    def made(known: Known) -> Truth:
        return measure(known.scenario, known.target, *known.options, settings=known.settings)

    return made


def nearest_rank(values_ns: np.ndarray, share: float) -> int:
    """Return the value that `share` of all do not exceed."""
    return int(np.sort(values_ns)[max(math.ceil(share * len(values_ns) - 1e-9), 1) - 1])


def summary(values_ns: np.ndarray) -> dict[str, float]:
    """Return the numbers of the JSON, computed without a histogram."""
    ranks = {name: nearest_rank(values_ns, share) for name, share in SHARES.items()}
    return {**ranks, "max": int(values_ns.max()), "mean": float(values_ns.mean())}


def assert_agrees(told: dict[str, float], values_ns: np.ndarray, apart_ns: float = 0.0) -> None:
    """Hold what the harness says against what was; a percentile that it withholds is no claim."""
    for name, true in summary(values_ns).items():
        if told[name] is None:
            assert name in SHARES
            assert len(values_ns) < least_count(SHARES[name])
        else:
            assert told[name] == pytest.approx(true, abs=TOLERANCE * true + apart_ns), name


def assert_monotone(told: dict[str, float]) -> None:
    """No percentile is below a lower one, none above the maximum."""
    ranks = [told[name] for name in (*SHARES, "max") if told[name] is not None]
    assert ranks == sorted(ranks)
