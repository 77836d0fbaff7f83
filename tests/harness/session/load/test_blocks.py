"""Load blocks: their phases, what ends them, and what is kept, on real processes and on written runs."""

import dataclasses
import os
import random
import signal

import pytest

from harness.errors import RefusedError, UsageError
from harness.policy.policy import Limit
from harness.policy.thresholds import Level, Reason, Threshold
from harness.processes.subject import Subject
from harness.reading.judging import judge
from harness.reading.validity import Validity
from harness.session.load import block as load_block
from harness.session.load import blocks as load_blocks
from harness.session.load.block import BlockInTheMaking
from harness.session.load.blocks import at_rate_of_slower_side, load_session_seconds, why_to_end
from harness.session.receipt import Phase, SessionPlan
from tests.support.load_session import (
    TOLERANT,
    CountingServers,
    FixedLooks,
    constant,
    receipt_of,
    run_session,
    segments,
    session_of,
    written_runs,
)
from tests.support.processes import command_line, descendants

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


def block_of(session, receipt, seed=1):
    """Measure one block and return it; of the first seed the candidate comes first."""
    block = BlockInTheMaking(session, receipt, Phase.SCREEN, random.Random(f"load {seed}"))
    block.measure()
    return block, block.record()


def test_screen_blocks_and_then_those_that_confirm_are_made_and_what_is_summarised_is_removed(
    monkeypatch, tmp_path
):
    written_runs(monkeypatch, tmp_path / "written")
    receipt = receipt_of(load_blocks=1, load_confirm_blocks=1)
    folder = tmp_path / "segments"
    session = session_of(None, folder, constant(20), constant(40))
    kept = run_session(session, receipt, looks=FixedLooks({"all"}))
    assert [block.phase for block in receipt.load_blocks] == [Phase.SCREEN, Phase.CONFIRM]
    assert all(sorted(block.order) == ["base", "candidate", "null"] for block in receipt.load_blocks)
    assert len(segments(receipt)) == 6
    assert len({block.seed for block in receipt.load_blocks}) == 2
    assert [block.number for block in receipt.load_blocks] == [0, 1]
    assert kept.written == [(1, False, False), (2, False, False), (2, False, True)]
    assert kept.seen == [("screen", 1, 1), ("confirm", 1, 1)]
    assert session.servers.forgotten == 6
    assert not folder.exists()


def test_a_worker_that_dies_is_the_block_s_trouble_and_its_run_stays_as_evidence(supervisor, tmp_path):
    target = tmp_path / "dying.py"
    target.write_text(DYING)
    dying = Subject(f"{target}:create", {})
    block, record = block_of(session_of(supervisor, tmp_path / "runs", constant(1), dying), receipt_of())
    assert block.failed
    assert record.candidate.validity == "invalid"
    assert "SIGKILL" in record.trouble
    assert (tmp_path / "runs" / record.candidate.directory / "run.json").is_file()


def test_three_failures_of_measured_processes_in_a_row_end_the_blocks(monkeypatch, tmp_path):
    died = {"candidate": "The measured process was killed by SIGKILL"}
    written_runs(monkeypatch, tmp_path / "written", died.get)
    receipt = receipt_of(load_blocks=6)
    session = session_of(None, tmp_path / "runs", constant(1), constant(1))
    kept = run_session(session, receipt, lambda _receipt: pytest.fail("there is nothing to confirm"))
    assert len(receipt.load_blocks) == 3
    assert all("SIGKILL" in block.trouble for block in receipt.load_blocks)
    (sentence,) = receipt.trouble
    assert "failed in 3 blocks in a row" in sentence
    assert "SIGKILL" in sentence
    assert not receipt.interrupted
    assert not receipt.finished
    assert kept.seen == [("screen", 0, 6)] * 3


def test_a_side_that_cannot_be_made_is_the_block_s_trouble(supervisor, tmp_path):
    block, record = block_of(session_of(supervisor, tmp_path, constant(1), constant("soon")), receipt_of())
    assert block.failed
    assert record.trouble.startswith("candidate: ")
    assert "service_ms='soon'" in record.trouble
    assert record.candidate is None


def test_a_side_that_is_refused_ends_the_session(monkeypatch, tmp_path):
    def refuse(*_):
        raise RefusedError("it is an async function")

    monkeypatch.setattr(load_block, "run_into", refuse)
    receipt = receipt_of(load_blocks=2)
    with pytest.raises(RefusedError):
        run_session(session_of(None, tmp_path / "runs", constant(1), constant(1)), receipt)
    (block,) = receipt.load_blocks
    assert "async function" in block.trouble


class AlwaysBroken(Threshold):
    def level(self, value):
        return Level.INVALID


def test_blocks_that_the_machine_disturbs_end_at_their_first_bad_segment_and_at_last_the_session(
    monkeypatch, tmp_path
):
    written_runs(monkeypatch, tmp_path / "written")
    strict = dataclasses.replace(TOLERANT, descheduled_share=AlwaysBroken(0, 0))
    receipt = receipt_of(load_blocks=1)
    session = session_of(None, tmp_path / "runs", constant(1), constant(1), thresholds=strict)
    kept = run_session(session, receipt)
    assert kept.seen == [("screen", 0, 1)] * 4
    assert len(segments(receipt)) == len(os.listdir(tmp_path / "runs")) == 4
    assert all("CPU contention" in block.trouble for block in receipt.load_blocks)
    assert "4 of them were unusable" in receipt.trouble[0]


def test_limits_count_the_calls_of_segments_that_are_valid_as_runs(monkeypatch, tmp_path):
    written_runs(monkeypatch, tmp_path / "written")
    held = (Limit(slo="p50<1s,errors<1%"), Limit(slo="p50<1s", scenario="another"))
    receipt = receipt_of(load_blocks=1)
    monkeypatch.setattr("harness.session.load.block.judge", judged_by_itself)
    run_session(session_of(None, tmp_path / "runs", constant(1), constant(1), limits=held), receipt)
    (block,) = receipt.load_blocks
    assert [(one.clause, one.calls, one.exceeding) for one in block.candidate.limits] == [
        ("p50<1s", 80, 0), ("errors<1%", 80, 0),
    ]  # fmt: skip
    assert block.base.limits == []


def judged_by_itself(run, thresholds=None):
    judged = judge(run, thresholds)
    if thresholds:
        return judged
    level = Level.INVALID if run.document.variant == "base" else Level.VALID
    return dataclasses.replace(judged, validity=Validity((Reason(level, "by itself"),)))


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


def test_ctrl_c_in_a_segment_keeps_nothing_of_it_and_leaves_no_process(supervisor, tmp_path):
    target = tmp_path / "interrupting.py"
    target.write_text(INTERRUPTING)
    stopping = Subject(f"{target}:create", {"at": "40", "who": str(os.getpid())})
    # Of this seed the candidate comes first.
    receipt = receipt_of(seed=1, load_blocks=3)
    kept = run_session(session_of(supervisor, tmp_path / "runs", constant(1), stopping), receipt)
    assert receipt.interrupted
    (block,) = receipt.load_blocks
    assert block.order[0] == "candidate"
    assert "interrupted" in block.trouble
    assert not list((tmp_path / "runs").glob("*-candidate-*")), "half a segment is kept by nobody"
    assert segments(receipt) == []
    assert kept.written[-1] == (1, True, False)
    assert b"harness.processes.worker" not in b"".join(map(command_line, descendants(os.getpid())))


def test_ctrl_c_between_two_segments_keeps_the_one_before_it(monkeypatch, tmp_path):
    written_runs(monkeypatch, tmp_path / "written")

    class Interrupting(CountingServers):
        def forget(self):
            super().forget()
            if self.forgotten == 2:
                signal.raise_signal(signal.SIGINT)

    receipt = receipt_of(load_blocks=3)
    session = session_of(None, tmp_path / "runs", constant(1), constant(1), servers=Interrupting())
    run_session(session, receipt)
    assert receipt.interrupted
    (block,) = receipt.load_blocks
    assert "interrupted" in block.trouble
    assert len(segments(receipt)) == 1
    assert not (tmp_path / "runs").exists()


def test_the_same_seed_draws_the_same_orders_and_plans(tmp_path):
    draws = [drawn(tmp_path, seed) for seed in (5, 5, 6)]
    assert draws[0] == draws[1] != draws[2]
    assert len({tuple(order) for _, order in draws[0]}) > 1


def drawn(tmp_path, seed):
    receipt = receipt_of(seed=seed, load_blocks=3)
    run_session(session_of(None, tmp_path, constant(1), constant(1), servers=Unreachable()), receipt)
    return [(block.seed, block.order) for block in receipt.load_blocks]


@pytest.mark.parametrize(("asked", "made"), [(0, 0), (2, 2), (9, 3)])
def test_fresh_blocks_are_made_as_long_as_the_judge_asks_and_never_more_than_planned(
    monkeypatch, tmp_path, asked, made
):
    monkeypatch.setattr(BlockInTheMaking, "measure", lambda self: setattr(self, "trouble", None))
    receipt = receipt_of(load_blocks=1, load_confirm_blocks=3)
    run_session(session_of(None, tmp_path, None, None), receipt, FixedLooks({"all"}, asked))
    assert [block.phase for block in receipt.load_blocks] == [Phase.SCREEN, *[Phase.CONFIRM] * made]


@pytest.mark.measures
def test_a_probe_finds_what_closed_users_can_do(supervisor, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.capacity.probe.PROBE_S", 0.4)
    monkeypatch.setattr("harness.capacity.probe.PROBE_WARMUP_S", 0.1)
    plan = session_of(supervisor, tmp_path, None, None).plan
    # Eight users of 40 ms each.
    found_per_s = load_blocks.probe_per_s(supervisor, constant(40), plan, lambda _: None)
    assert found_per_s == pytest.approx(200, rel=0.3)


def test_the_rate_is_half_of_what_the_slower_side_can_do(tmp_path, monkeypatch):
    can_do = {"4": 2000.0, "40": 200.0}
    monkeypatch.setattr(
        load_blocks, "probe_per_s", lambda _, subject, *__: can_do[subject.parameters["service_ms"]]
    )
    session = session_of(None, tmp_path, constant(4), constant(40))
    assert at_rate_of_slower_side(session).plan.rate_per_s == 100
    assert session.servers.forgotten == 2


def test_a_session_says_how_long_it_takes_with_and_without_confirmation():
    plan = SessionPlan(load_blocks=12, load_confirm_blocks=20)
    clear_s, most_s = load_session_seconds(plan, duration_s=3.0, warmup_s=1.0)
    assert clear_s == 12 * 3 * (4.0 + load_blocks.SEGMENT_START_S)
    assert most_s == 32 * 3 * (4.0 + load_blocks.SEGMENT_START_S)
