"""`harness capacity` from the outside."""

import json
import signal
from pathlib import Path

import pytest

from harness.errors import ExitCode
from tests.support.cli import document, end_of, inside, started, until
from tests.support.tolerant import tolerant

QUICK = ("--arrivals", "uniform", "--warmup", "0s", "--no-split", "--json", "--no-report")


@pytest.mark.measures
def test_what_holds_the_loop_for_5_ms_does_at_most_200_a_second_and_the_interval_says_so(tmp_path):
    said = inside(
        tolerant(tmp_path), "capacity", "steady", "--target", "known:spin?spin_us=5000", "--slo", "p50<60ms", "--rate", 60,
        "--duration", "600ms", "--tolerance", "40%", *QUICK,
    )  # fmt: skip
    assert said.code == ExitCode.OK
    found, probes = said.document["capacity"], said.document["probes"]
    folder = tmp_path / said.document["dir"]
    # A machine that was taken away gives less, never more: above the ceiling half a second's backlog is over 60 ms.
    for one in probes:
        assert one["sight"] != "held" or one["rate_per_s"] < 280
        run = document(folder / "probes" / one["folder"])
        assert run["plan"]["rate_per_s"] == one["rate_per_s"]
        assert run["seed"] == one["seed"]
    assert found["held_per_s"] < 280
    assert (found["broke_per_s"] or 1e9) > found["held_per_s"]
    again = inside(None, "report", folder, "--json")
    assert again.document["capacity"] == found
    assert again.code == said.code
    assert (folder / "report.html").stat().st_size > 10_000


def test_if_the_lowest_rate_breaks_the_slo_the_exit_code_is_3(tmp_path):
    said = inside(
        tolerant(tmp_path), "capacity", "steady", "--target", "known:constant?service_ms=60", "--slo", "p50<20ms", "--rate", 12,
        "--duration", "1s", *QUICK,
    )  # fmt: skip
    assert {one["sight"] for one in said.document["probes"]} == {"broke"}
    assert said.code == ExitCode.LIMIT_BROKEN
    assert said.document["capacity"]["held_per_s"] is None
    assert said.document["exit_code"] == said.code


def test_ctrl_c_keeps_what_was_found(tmp_path):
    words = (
        "--target",
        "known:noop",
        "--slo",
        "errors<50%",
        "--rate",
        30,
        "--duration",
        "500ms",
        "--out",
        tmp_path,
        *QUICK,
    )
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
        (("closed", "--slo", "p99<1s"), "has no rate to raise"),
        (("replay", "--slo", "p99<1s"), "has no rate to raise"),
        (("steady", "--slo", "p99"), "is not a limit"),
        (("steady", "--slo", "p99<1s", "--tolerance", "0"), "not a percentage"),
        (("steady", "--slo", "p99<1s", "--budget", "5s"), "is too short for one probe"),
        (("steady", "--slo", "nothing: p99<1s", "--target", "known:noop", "--rate", "10"), "does not have"),
    ],
)
def test_what_cannot_be_searched_is_refused_and_leaves_no_folder(tmp_path, words, why):
    said = inside(None, "capacity", *words, "--out", tmp_path / "out")
    assert said.code == ExitCode.USAGE
    assert why in said.error
    assert not list(tmp_path.glob("out/*"))


def test_a_budget_that_is_used_up_before_the_first_probe_is_refused_with_one_that_would_do(
    tmp_path, monkeypatch, capsys
):
    from harness.cli import main
    from harness.work import capacity_search

    def found_late(*_):
        clock.now_s += 25.0
        return capacity_search.Bounds(10.0, 10.0, 100.0, 0.4)

    class clock:  # noqa: N801 - it stands for the module
        now_s = 0.0

        @classmethod
        def monotonic(cls):
            return cls.now_s

    monkeypatch.setattr(capacity_search, "time", clock)
    monkeypatch.setattr(capacity_search, "_bounds", found_late)
    words = ("--target", "known:noop", "--slo", "errors<50%", "--budget", "30s", "--duration", "10s")
    assert main(["capacity", "steady", *words, "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "is too small for one probe: servers and the search for a rate took 25s" in said
    assert "at least 47s" in said
    assert list(tmp_path.iterdir()) == []
