"""`harness capacity` from the outside."""

import json
import signal
from pathlib import Path

import pytest
from cli_support import document, end_of, harness, started, until

from harness.errors import ExitCode

QUICK = ("--arrivals", "uniform", "--duration", "1s", "--warmup", "0s", "--no-split", "--json")


def test_what_holds_the_loop_for_5_ms_does_at_most_200_a_second_and_the_interval_says_so(tmp_path):
    said = harness(
        "capacity", "steady", "--target", "known:spin?spin_us=5000", "--slo", "p50<100ms", "--rate", 60,
        "--tolerance", "40%", "--out", tmp_path, *QUICK,
    )  # fmt: skip
    found, probes = said.document["capacity"], said.document["probes"]
    folder = Path(said.document["dir"])
    # A machine that was taken away gives less, never more: above the ceiling a second's backlog is over 100 ms.
    for one in probes:
        assert one["sight"] != "held" or one["rate_per_s"] < 280
        run = document(folder / "probes" / one["folder"])
        assert run["plan"]["rate_per_s"] == one["rate_per_s"]
        assert run["seed"] == one["seed"]
    if said.code == ExitCode.OK:
        assert found["held_per_s"] < 280
        assert (found["broke_per_s"] or 1e9) > found["held_per_s"]
    else:
        assert said.code in {ExitCode.INVALID, ExitCode.LIMIT_BROKEN}
    again = harness("report", folder, "--json")
    assert again.document["capacity"] == found
    assert again.code == said.code
    assert (folder / "report.html").stat().st_size > 10_000


def test_if_the_lowest_rate_breaks_the_slo_the_exit_code_is_3(tmp_path):
    said = harness(
        "capacity", "steady", "--target", "known:constant?service_ms=60", "--slo", "p50<20ms", "--rate", 12,
        "--out", tmp_path, *QUICK,
    )  # fmt: skip
    sights = {one["sight"] for one in said.document["probes"]}
    assert said.code == (ExitCode.LIMIT_BROKEN if "broke" in sights else ExitCode.INVALID)
    assert said.document["capacity"]["held_per_s"] is None
    assert said.document["exit_code"] == said.code


def test_ctrl_c_keeps_what_was_found(tmp_path):
    words = ("--target", "known:noop", "--slo", "errors<50%", "--rate", 30, "--out", tmp_path, *QUICK)
    with started("capacity", "steady", *words) as process:
        until(lambda: list(tmp_path.glob("*/probes/*-02-*/timing/calls.npy")), process)
        process.send_signal(signal.SIGINT)
        said = end_of(process)
    assert said.code == ExitCode.INTERRUPTED
    assert said.document["interrupted"]
    assert len(said.document["probes"]) >= 1
    kept = json.loads((Path(said.document["dir"]) / "run.json").read_text())
    assert (kept["ended"], kept["status"]) == ("interrupted", "finished")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("steady",), "--slo"),
        (("closed", "--slo", "p99<1s"), "no rate that could be raised"),
        (("replay", "--slo", "p99<1s"), "no rate that could be raised"),
        (("steady", "--slo", "p99"), "is no limit"),
        (("steady", "--slo", "p99<1s", "--tolerance", "0"), "not a percentage"),
        (("steady", "--slo", "p99<1s", "--budget", "5s"), "holds no probe"),
        (("steady", "--slo", "nothing: p99<1s", "--target", "known:noop", "--rate", "10"), "does not have"),
    ],
)
def test_what_cannot_be_searched_is_refused_and_leaves_no_folder(tmp_path, words, why):
    said = harness("capacity", *words, "--out", tmp_path / "out")
    assert said.code == ExitCode.USAGE
    assert why in said.error
    assert not list(tmp_path.glob("out/*"))
