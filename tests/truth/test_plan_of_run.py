"""What is planned is what is run: warm-up apart, the same for the same seed, and never over an older run."""

import numpy as np
import pytest

from tests.cli_support import document, harness, journal, measured, table

PLANNED = ["intended_ns", "operation", "payload"]


@pytest.fixture(scope="module")
def same_parent(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


def run(parent, *options):
    said = harness(
        "run", "ramp", "--target", "known:noop", "--rate", 400, "--duration", "1s", "--warmup", "500ms",
        "--json", "--out", parent, *options,
    )  # fmt: skip
    return said.run


@pytest.fixture(scope="module")
def three(same_parent):
    return [run(same_parent, "--seed", seed) for seed in (7, 7, 8)]


def planned_bytes(directory):
    rows = table(directory)
    return b"".join(rows[name].tobytes() for name in PLANNED)


def test_a_seed_gives_the_same_plan_bit_for_bit(three):
    first, second, other = (planned_bytes(told["dir"]) for told in three)
    assert first == second
    assert first != other


def test_runs_never_overwrite_one_another(three, same_parent):
    folders = {told["dir"] for told in three}
    assert len(folders) == 3
    assert {str(path) for path in same_parent.iterdir()} == folders
    assert [told["seed"] for told in three] == [7, 7, 8]
    assert all(told["planned"] == 200 for told in three)


def test_warmup_is_neither_planned_nor_in_the_operations(tmp_path):
    target = f"known:constant?journal={tmp_path / 'journal'}"
    said = harness(
        "run", "steady", "--target", target, "--rate", 200, "--duration", "1s", "--warmup", "1s",
        "--json", "--out", tmp_path,
    )  # fmt: skip
    told = said.run
    assert told["planned"] == 200
    assert sum(told["outcomes"].values()) == 200
    assert told["operations"]["call"]["count"] == 200
    assert len(measured(told["dir"])) == 200
    # It was run all the same.
    assert len(table(told["dir"])) == 400
    assert len(journal(tmp_path / "journal")) == 400


def test_every_arrival_has_its_place_on_the_line_of_the_ramp(three):
    intended_s = np.sort(measured(three[0]["dir"])["intended_ns"]) / 1e9
    # From 0 to 400/s: half of the calls come before sqrt(1/2).
    assert np.median(intended_s) == pytest.approx(np.sqrt(0.5), abs=0.06)
    (ramp,) = [span for span in document(three[0]["dir"])["plan"]["spans"] if not span["warmup"]]
    assert (ramp["start_rate_per_s"], ramp["end_rate_per_s"]) == (0, 400)
