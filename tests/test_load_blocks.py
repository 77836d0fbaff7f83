"""Load blocks on targets of known truth: what differs by 20 ms differs by it in every block.

So much, because a busy machine adds some milliseconds to every call.
"""

import dataclasses
import os
import signal

import numpy as np
import pytest

from harness.errors import UsageError
from harness.policy.policy import Limit
from harness.processes.job import Ready
from harness.processes.loadrun import Subject
from harness.reading.summary import RunSummary, load
from harness.reading.validity import Level, Reason, Threshold, Validity
from harness.session import load_blocks
from harness.session.load_block import BlockInTheMaking
from harness.session.load_blocks import at_rate_of_slower_side, load_session_seconds, why_to_end
from harness.session.overlay import build_overlay
from harness.session.receipt import Phase, SessionPlan
from harness.session.segments import segment_of
from harness.supervise import Supervisor
from tests.load_session_support import (
    TOLERANT,
    CountingServers,
    constant,
    receipt_of,
    run_session,
    session_of,
)
from tests.processes import descendants
from tests.run_builder import make_run

MS = 1_000_000
DYING = """
import os
import time


class Target:
    def __init__(self, after):
        self.left = after

    def call(self, event):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), 9)


def create(after="30"):
    return Target(int(after))
"""
INTERRUPTING = """
import os
import signal


class Target:
    def __init__(self, at, who, calls=0):
        self.at, self.who, self.calls = at, who, calls

    def call(self, event):
        self.calls += 1
        if self.calls == self.at:
            os.kill(self.who, signal.SIGINT)


def create(at, who):
    return Target(int(at), int(who))
"""
PACKAGE = """
import time


class Target:
    def call(self, event):
        time.sleep({seconds})


def create():
    return Target()
"""


@pytest.fixture
def supervisor():
    with Supervisor() as made:
        yield made


def p50_ns(segment, operation="all"):
    return segment.values[operation]["p50_ns"]


def test_20_ms_more_show_in_every_block_and_the_base_against_itself_shows_nothing(supervisor, tmp_path):
    receipt = receipt_of(load_blocks=1, confirm_blocks=1)
    folder = tmp_path / "segments"
    session = session_of(supervisor, folder, constant(20), constant(40))
    kept = run_session(session, receipt, candidates=lambda _receipt: {"all p50_ns"})
    assert [block.phase for block in receipt.load_blocks] == [Phase.SCREEN, Phase.CONFIRM]
    for block in receipt.load_blocks:
        # Never quicker than the target; slower only where the machine was taken away.
        assert p50_ns(block.candidate) >= 40 * MS
        assert min(p50_ns(block.base), p50_ns(block.null)) >= 20 * MS
        if {segment.validity for segment in (block.base, block.candidate, block.null)} == {"valid"}:
            assert p50_ns(block.candidate) - p50_ns(block.base) == pytest.approx(20 * MS, abs=9 * MS)
            assert p50_ns(block.null) - p50_ns(block.base) == pytest.approx(0, abs=9 * MS)
        assert sorted(block.order) == ["base", "candidate", "null"]
    assert len({block.seed for block in receipt.load_blocks}) == 2
    assert [block.number for block in receipt.load_blocks] == [0, 1]
    assert kept.written == [(1, False, False), (2, False, False), (2, False, True)]
    assert kept.seen == [("screen", 1, 1), ("confirm", 1, 1)]
    assert session.servers.forgotten == 6
    assert not folder.exists(), "what is summarised is removed"


def test_a_segment_has_the_numbers_of_the_whole(supervisor, tmp_path):
    receipt = receipt_of(load_blocks=1)
    failing = Subject("targets.known:failing", {"every": "2"})
    run_session(session_of(supervisor, tmp_path, constant(1), failing, keep=True), receipt)
    (block,) = receipt.load_blocks
    assert block.base.counts == {"all": 80}
    assert set(block.base.values) == {"all"}, "the only operation is the whole"
    values = block.base.values["all"]
    assert values["error_share"] == 0
    assert values["throughput_per_s"] == pytest.approx(200)
    assert "p95_ns" in values
    # 80 calls say nothing about one in a hundred.
    assert "p99_ns" not in values
    assert block.candidate.values["all"]["error_share"] == pytest.approx(0.5)
    assert block.candidate.values["all"]["throughput_per_s"] == pytest.approx(100)
    assert sorted(segment.directory for segment in segments(receipt)) == sorted(os.listdir(tmp_path))
    runs = [load(tmp_path / segment.directory) for segment in segments(receipt)]
    assert {run.document.seed for run in runs} == {block.seed}
    assert all(np.array_equal(run.table["intended_ns"], runs[0].table["intended_ns"]) for run in runs)


def test_operations_stand_beside_the_whole_where_there_are_several(tmp_path):
    run = load(make_run(tmp_path, operations={"read": 0.5, "write": 0.5}, rate_per_s=100.0, fail_share=0.1))
    made = segment_of(run, run.validity, Ready({}, "core.py", 123_000), [])
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


def segments(receipt):
    return [
        segment
        for block in receipt.load_blocks
        for segment in (block.base, block.candidate, block.null)
        if segment
    ]


def test_each_side_is_measured_from_its_own_tree(supervisor, tmp_path):
    subjects = []
    for side, seconds in (("base", 0.02), ("candidate", 0.04)):
        package = tmp_path / side / "assets"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(PACKAGE.format(seconds=seconds))
        overlay = tmp_path / "overlay" / side
        build_overlay(tmp_path / side, {"assets": "assets"}, overlay)
        prefix = {"PYTHONDONTWRITEBYTECODE": "1"}
        subjects.append(Subject("assets:create", {}, prefix, overlay))
    receipt = receipt_of(load_blocks=1)
    run_session(session_of(supervisor, tmp_path / "runs", *subjects), receipt)
    (block,) = receipt.load_blocks
    for side, segment in (("base", block.base), ("candidate", block.candidate), ("base", block.null)):
        assert segment.file == str(tmp_path / side / "assets" / "__init__.py")
    assert p50_ns(block.candidate) - p50_ns(block.base) == pytest.approx(20 * MS, abs=9 * MS)
    assert not list(tmp_path.glob("*/assets/__pycache__"))


def test_a_worker_that_dies_is_the_block_s_trouble_and_three_in_a_row_end_the_blocks(supervisor, tmp_path):
    target = tmp_path / "dying.py"
    target.write_text(DYING)
    receipt = receipt_of(load_blocks=6)
    dying = Subject(f"{target}:create", {})
    session = session_of(supervisor, tmp_path / "runs", constant(1), dying)
    kept = run_session(session, receipt, lambda _receipt: pytest.fail("there is nothing to confirm"))
    assert len(receipt.load_blocks) == 3
    for block in receipt.load_blocks:
        assert block.candidate.validity == "invalid"
        assert "SIGKILL" in block.trouble
        assert (tmp_path / "runs" / block.candidate.directory / "run.json").is_file()
    (sentence,) = receipt.trouble
    assert "3 of them in a row" in sentence
    assert "SIGKILL" in sentence
    assert not receipt.interrupted
    assert not receipt.finished
    assert kept.seen == [("screen", 0, 6)] * 3


def test_a_side_that_cannot_be_made_is_the_block_s_trouble(supervisor, tmp_path):
    receipt = receipt_of(load_blocks=1)
    run_session(session_of(supervisor, tmp_path, constant("soon"), constant("soon")), receipt)
    block = receipt.load_blocks[0]
    assert block.trouble.startswith(f"{block.order[0]}: ")
    assert "service_ms='soon'" in block.trouble
    assert segments(receipt) == []


class AlwaysBroken(Threshold):
    def level(self, value):
        return Level.INVALID


def test_blocks_that_the_machine_disturbs_end_at_their_first_bad_segment_and_at_last_the_session(
    supervisor, tmp_path
):
    strict = dataclasses.replace(TOLERANT, descheduled_share=AlwaysBroken(0, 0))
    receipt = receipt_of(load_blocks=1)
    session = session_of(supervisor, tmp_path, constant(1), constant(1), thresholds=strict)
    kept = run_session(session, receipt)
    assert kept.seen == [("screen", 0, 1)] * 4
    assert len(segments(receipt)) == len(os.listdir(tmp_path)) == 4
    assert all("The machine ran something else" in block.trouble for block in receipt.load_blocks)
    assert "4 of them could not be used" in receipt.trouble[0]


def test_limits_count_the_calls_of_segments_that_are_valid_as_runs(supervisor, tmp_path, monkeypatch):
    held = (Limit(slo="p50<1s,errors<1%"), Limit(slo="p50<1s", scenario="another"))
    receipt = receipt_of(load_blocks=1)
    monkeypatch.setattr(RunSummary, "validity", property(verdict_on))
    run_session(session_of(supervisor, tmp_path, constant(1), constant(1), limits=held), receipt)
    (block,) = receipt.load_blocks
    assert [(one.clause, one.calls, one.exceeding) for one in block.candidate.limits] == [
        ("p50<1s", 80, 0), ("errors<1%", 80, 0),
    ]  # fmt: skip
    assert block.base.limits == []


def verdict_on(run):
    level = Level.INVALID if run.document.variant == "base" else Level.VALID
    return Validity((Reason(level, "by itself"),))


def test_a_block_of_no_use_is_made_again(monkeypatch, tmp_path):
    troubles = iter(["the machine was busy", None, "the machine was busy", None])
    monkeypatch.setattr(BlockInTheMaking, "measure", lambda self: setattr(self, "trouble", next(troubles)))
    receipt = receipt_of(load_blocks=2)
    kept = run_session(session_of(None, tmp_path, None, None), receipt)
    assert [(block.number, bool(block.trouble)) for block in receipt.load_blocks] == [
        (0, True), (1, False), (2, True), (3, False),
    ]  # fmt: skip
    assert kept.seen == [("screen", done, 2) for done in (0, 1, 1, 2)]
    assert receipt.finished


@pytest.mark.parametrize(
    ("failed", "bad", "planned", "ends"),
    [(0, 0, 12, False), (2, 2, 12, False), (3, 3, 12, True), (0, 8, 12, False), (0, 9, 12, True), (0, 3, 1, False),
     (0, 4, 1, True)],
)  # fmt: skip
def test_a_phase_ends_after_three_failures_or_where_over_40_percent_of_its_blocks_are_bad(
    failed, bad, planned, ends
):
    assert bool(why_to_end(failed, bad, planned)) is ends


class Unreachable(CountingServers):
    def forget(self):
        raise UsageError("there is no server")


def test_ctrl_c_keeps_what_was_measured_and_leaves_no_process(supervisor, tmp_path):
    target = tmp_path / "interrupting.py"
    target.write_text(INTERRUPTING)
    stopping = Subject(f"{target}:create", {"at": "40", "who": str(os.getpid())})
    receipt = receipt_of(load_blocks=3)
    kept = run_session(session_of(supervisor, tmp_path / "runs", constant(1), stopping), receipt)
    assert receipt.interrupted
    (block,) = receipt.load_blocks
    assert "interrupted" in block.trouble
    assert not list((tmp_path / "runs").glob("*-candidate-*")), "half a segment is kept by nobody"
    before = block.order.index("candidate")
    assert [getattr(block, label) is not None for label in block.order] == [
        place < before for place in range(3)
    ]
    assert kept.written[-1] == (1, True, False)
    assert b"harness.processes.worker" not in b"".join(map(command_line, descendants(os.getpid())))


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def test_ctrl_c_between_two_segments_keeps_the_one_before_it(supervisor, tmp_path):
    class Interrupting(CountingServers):
        def forget(self):
            super().forget()
            if self.forgotten == 2:
                signal.raise_signal(signal.SIGINT)

    receipt = receipt_of(load_blocks=3)
    session = session_of(supervisor, tmp_path / "runs", constant(1), constant(1), servers=Interrupting())
    run_session(session, receipt)
    assert receipt.interrupted
    (block,) = receipt.load_blocks
    assert "interrupted" in block.trouble
    assert len(segments(receipt)) == 1
    assert os.listdir(tmp_path) == []


def test_the_same_seed_draws_the_same_orders_and_plans(tmp_path):
    draws = [drawn(tmp_path, seed) for seed in (5, 5, 6)]
    assert draws[0] == draws[1] != draws[2]
    assert len({tuple(order) for _, order in draws[0]}) > 1


def drawn(tmp_path, seed):
    receipt = receipt_of(seed=seed, load_blocks=3)
    run_session(session_of(None, tmp_path, None, None, servers=Unreachable()), receipt)
    return [(block.seed, block.order) for block in receipt.load_blocks]


@pytest.mark.parametrize(("names", "blocks"), [(1, 2), (4, 2), (5, 3)])
def test_more_than_four_candidates_are_confirmed_on_more_blocks(monkeypatch, tmp_path, names, blocks):
    monkeypatch.setattr(BlockInTheMaking, "measure", lambda self: setattr(self, "trouble", None))
    receipt = receipt_of(load_blocks=1, confirm_blocks=2, confirm_blocks_of_many=3)
    run_session(session_of(None, tmp_path, None, None), receipt, lambda _receipt: list(range(names)))
    assert [block.phase for block in receipt.load_blocks] == [Phase.SCREEN, *[Phase.CONFIRM] * blocks]


def test_the_rate_is_half_of_what_the_slower_side_can_do(supervisor, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.capacity.probe.PROBE_S", 0.4)
    monkeypatch.setattr("harness.capacity.probe.PROBE_WARMUP_S", 0.1)
    session = session_of(supervisor, tmp_path, constant(4), constant(40))
    # Eight users of 40 ms each.
    assert at_rate_of_slower_side(session).plan.rate_per_s == pytest.approx(100, rel=0.3)
    assert session.servers.forgotten == 2


def test_a_session_says_how_long_it_takes_with_and_without_confirmation():
    plan = SessionPlan(load_blocks=12, confirm_blocks=16, confirm_blocks_of_many=20)
    clear_s, most_s = load_session_seconds(plan, duration_s=3.0, warmup_s=1.0)
    assert clear_s == 12 * 3 * (4.0 + load_blocks.SEGMENT_START_S)
    assert most_s == 32 * 3 * (4.0 + load_blocks.SEGMENT_START_S)
