"""One block, measured on targets of known truth: what differs by 20 ms differs by it.

So much, because a busy machine adds some milliseconds to every call.
"""

import os

import numpy as np
import pytest

from harness.processes.job import Ready
from harness.processes.subject import Subject
from harness.reading.judging import judge
from harness.reading.summary import load
from harness.session.load.segments import segment_of
from harness.session.receipt import Phase
from harness.session.sides.overlay import build_overlay
from harness.supervise import Supervisor
from tests.support.load_session import (
    receipt_of,
    run_session,
    segments,
    session_of,
)
from tests.support.run_builder import make_run

MS = 1_000_000
PACKAGE = """
import itertools
import time


class Target:
    def __init__(self):
        self.calls = itertools.count(1)

    def call(self, event):
        time.sleep({seconds})
        return next(self.calls) % {fail_every} == 0

    def outcome(self, has_failed):
        return "failed" if has_failed else "completed"


def create():
    return Target()
"""


def p50_ns(segment, operation="all"):
    return segment.values[operation]["p50_ns"]


@pytest.fixture(scope="module")
def measured_block(tmp_path_factory):
    """One block of two trees whose calls differ by 20 ms, and of which the candidate's fail every second time."""
    folder = tmp_path_factory.mktemp("measured")
    subjects = []
    for side, seconds, fail_every in (("base", 0.02, 1000), ("candidate", 0.04, 2)):
        package = folder / side / "assets"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(PACKAGE.format(seconds=seconds, fail_every=fail_every))
        overlay = folder / "overlay" / side
        build_overlay(folder / side, {"assets": "assets"}, overlay)
        prefix = {"PYTHONDONTWRITEBYTECODE": "1"}
        subjects.append(Subject("assets:create", {}, prefix, overlay))
    receipt = receipt_of(load_blocks=1)
    with Supervisor() as supervisor:
        session = session_of(supervisor, folder / "runs", *subjects, keep=True)
        kept = run_session(session, receipt)
    return folder, session, receipt, kept


@pytest.mark.measures
def test_20_ms_more_show_and_the_base_against_itself_shows_nothing(measured_block):
    (block,) = measured_block[2].load_blocks
    # Never quicker than the target; slower only where the machine was taken away.
    assert p50_ns(block.candidate) >= 40 * MS
    assert min(p50_ns(block.base), p50_ns(block.null)) >= 20 * MS
    assert p50_ns(block.candidate) - p50_ns(block.base) == pytest.approx(20 * MS, abs=9 * MS)
    assert p50_ns(block.null) - p50_ns(block.base) == pytest.approx(0, abs=9 * MS)


@pytest.mark.measures
def test_each_side_is_measured_from_its_own_tree(measured_block):
    folder, _, receipt, _ = measured_block
    (block,) = receipt.load_blocks
    for side, segment in (("base", block.base), ("candidate", block.candidate), ("base", block.null)):
        assert segment.file == str(folder / side / "assets" / "__init__.py")
    assert not list(folder.glob("*/assets/__pycache__"))


@pytest.mark.measures
def test_a_segment_has_the_numbers_of_the_whole_and_the_plan_of_its_block(measured_block):
    folder, session, receipt, kept = measured_block
    (block,) = receipt.load_blocks
    assert block.phase is Phase.SCREEN
    assert block.base.counts == {"all": 80}
    assert set(block.base.values) == {"all"}, "the only operation is the whole"
    values = block.base.values["all"]
    assert values["error_share"] == 0
    assert values["throughput_per_s"] == pytest.approx(200)
    assert "p50_ns" in values
    # Of 80 calls four lie beyond p95: it takes ten.
    assert not {"p95_ns", "p99_ns"} & set(values)
    assert block.candidate.values["all"]["error_share"] == pytest.approx(0.5)
    assert block.candidate.values["all"]["throughput_per_s"] == pytest.approx(100)
    names = sorted(segment.directory for segment in segments(receipt))
    assert names == sorted(os.listdir(folder / "runs"))
    runs = [load(folder / "runs" / name) for name in names]
    assert {run.document.seed for run in runs} == {block.seed}
    assert all(np.array_equal(run.table["intended_ns"], runs[0].table["intended_ns"]) for run in runs)
    assert session.servers.forgotten == 3
    assert kept.seen == [("screen", 1, 1)]


def test_operations_stand_beside_the_whole_where_there_are_several(tmp_path):
    run = load(make_run(tmp_path, operations={"read": 0.5, "write": 0.5}, rate_per_s=100.0, fail_share=0.1))
    made = segment_of(run, judge(run).validity, Ready({}, "core.py", 123_000), [])
    assert list(made.values) == list(made.counts) == ["all", "read", "write"]
    assert made.counts["all"] == made.counts["read"] + made.counts["write"] == 1000
    read, write = (made.values[name] for name in ("read", "write"))
    assert made.values["all"]["throughput_per_s"] == pytest.approx(
        read["throughput_per_s"] + write["throughput_per_s"]
    )
    shares = [made.values[name]["error_share"] * made.counts[name] for name in ("all", "read", "write")]
    assert shares[0] == pytest.approx(shares[1] + shares[2])
    assert made.values["all"]["cold_start_ns"] == 123_000
    assert "cold_start_ns" not in read
    assert made.file == "core.py"
