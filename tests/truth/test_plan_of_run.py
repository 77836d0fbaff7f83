"""What is planned is what is run: warm-up apart, the same for the same seed, and never over an older run."""

import numpy as np
import pytest

from tests.support.cli import document, inside, journal, measured, table

PLANNED = ["intended_ns", "operation", "payload"]


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    return tmp_path_factory.mktemp("plans")


@pytest.fixture(scope="module")
def three(parent):
    """Three runs; the last has another seed."""
    options = ("--rate", 800, "--duration", "500ms", "--warmup", "250ms", "--json", "--out", parent / "runs")
    spec = f"known:noop?journal={parent / 'journal'}"
    return [
        inside(parent, "run", "ramp", "--target", spec, *options, "--seed", seed).run for seed in (7, 7, 8)
    ]


def planned_bytes(directory):
    rows = table(directory)
    return b"".join(rows[name].tobytes() for name in PLANNED)


def test_a_seed_gives_the_same_plan_bit_for_bit(three):
    first, second, other = (planned_bytes(told["dir"]) for told in three)
    assert first == second
    assert first != other


def test_runs_never_overwrite_one_another(three, parent):
    folders = {told["dir"] for told in three}
    assert len(folders) == 3
    assert {str(path) for path in (parent / "runs").iterdir()} == folders
    assert [told["seed"] for told in three] == [7, 7, 8]


def test_warmup_is_neither_planned_nor_in_the_operations(three, parent):
    last = three[-1]
    assert last["planned"] == 200
    assert sum(last["outcomes"].values()) == 200
    assert last["operations"]["call"]["count"] == 200
    assert len(measured(last["dir"])) == 200
    # It was run all the same: 0.25 s at the middle of the ramp.
    assert len(table(last["dir"])) == 300
    assert len(journal(parent / "journal")) == 300


def test_every_arrival_has_its_place_on_the_line_of_the_ramp(three):
    intended_s = np.sort(measured(three[0]["dir"])["intended_ns"]) / 1e9
    # From 0 to 800/s in half a second: half of the calls come before sqrt(1/2) of it.
    assert np.median(intended_s) == pytest.approx(0.5 * np.sqrt(0.5), abs=0.03)
    (ramp,) = [span for span in document(three[0]["dir"])["plan"]["spans"] if not span["warmup"]]
    assert (ramp["start_rate_per_s"], ramp["end_rate_per_s"]) == (0, 800)
