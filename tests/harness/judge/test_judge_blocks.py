"""Blocks that are missing, damaged or were made again: what they held is never a pass."""

import math

import msgspec
import pytest

from harness.errors import ExitCode
from harness.judge.judge import judge
from harness.judge.verdict import Verdict
from harness.policy.policy import Policy
from harness.session.receipt import Benchmark, Phase, Sentinel, SessionPlan, State
from tests.support.judge import CONTROL, PAIRS, POLICY, block, changed, of, slices, steady

DAMAGES = {
    "unfinished": lambda session: setattr(session, "finished", False),
    "another schema": lambda session: setattr(session, "schema", 1),
    "trouble": lambda session: session.trouble.append("three blocks in a row could not be used"),
    "a suite without data": lambda session: session.suites.append("load"),
    "a lost block": lambda session: session.blocks.pop(3),
    "a block twice": lambda session: session.blocks.append(session.blocks[0]),
    "a number twice": lambda session: changed(session, 3, number=4),
    "one block too many": lambda session: setattr(session, "plan", SessionPlan(screen_blocks=11)),
    "a screen in the confirmation": lambda session: changed(session, 3, phase=Phase.CONFIRM),
    "a benchmark named twice": lambda session: session.benchmarks.append(session.benchmarks[0]),
    "a benchmark that the blocks hold and nothing names": lambda session: session.benchmarks.pop(0),
    "a measured benchmark called new": lambda session: session.benchmarks.__setitem__(
        0, Benchmark(name="a", state=State.NEW)
    ),
    "a benchmark missing from a block": lambda session: changed(
        session, 3, slices={CONTROL.name: slices(0.0)}
    ),
    "no slices": lambda session: sliced(session, base_ns=[], candidate_ns=[], first=[]),
    "fewer slices than planned": lambda session: sliced(session, base_ns=[1], candidate_ns=[1], first=[0]),
    "more slices on one side": lambda session: sliced(session, base_ns=[3 * 10**6] * 4),
    "no order": lambda session: sliced(session, first=[]),
    "an order that cannot be": lambda session: sliced(session, first=[0, 1, 2]),
    "a time of zero": lambda session: sliced(session, base_ns=[3 * 10**6, 0, 3 * 10**6]),
    "a negative time": lambda session: sliced(session, candidate_ns=[3 * 10**6, -5, 3 * 10**6]),
    "not a number": lambda session: sliced(session, candidate_ns=[3 * 10**6, math.nan, 3 * 10**6]),
    "an endless time": lambda session: sliced(session, candidate_ns=[3 * 10**6, math.inf, 3 * 10**6]),
    "no calls": lambda session: session.benchmarks.__setitem__(0, Benchmark(name="a", pairs=PAIRS, calls=0)),
    "import of one side only": lambda session: changed(session, 3, import_ns={"base": 10**8}),
    "an import of no time": lambda session: changed(session, 3, import_ns={"base": 10**8, "candidate": 0}),
    "no sentinel in one block": lambda session: changed(session, 3, sentinel=None),
    "a sentinel of one side": lambda session: changed(
        session, 3, sentinel=Sentinel(base_ns=[10], candidate_ns=[])
    ),
    "a sentinel of no time": lambda session: changed(
        session, 3, sentinel=Sentinel(base_ns=[0], candidate_ns=[1])
    ),
    "a control that nothing names": lambda session: session.benchmarks.pop(),
    "no sentinel anywhere": lambda session: [changed(session, n, sentinel=None) for n in range(12)],
}


def sliced(session, **fields):
    one = session.blocks[3]
    damaged = msgspec.structs.replace(one.slices["a"], **fields)
    session.blocks[3] = msgspec.structs.replace(one, slices=one.slices | {"a": damaged})


@pytest.mark.parametrize("damage", DAMAGES)
def test_missing_and_damaged_data_is_never_a_pass(damage):
    session = steady({"a": 0.0, "z": 0.0})
    assert judge(session, POLICY).verdict is Verdict.OK
    DAMAGES[damage](session)
    judgement = judge(session, POLICY)
    assert judgement.verdict in {Verdict.INVALID, Verdict.INCONCLUSIVE}
    assert judge(session, Policy(strict=True)).exit_code in {ExitCode.INVALID, ExitCode.INCONCLUSIVE}


def test_a_benchmark_that_failed_in_a_block_says_why():
    session = steady({"a": 0.0})
    changed(session, 3, slices={CONTROL.name: slices(0.0)}, failed={"a": "candidate: ValueError"})
    assert of(judge(session, POLICY), "a").note == "missing from block 3: candidate: ValueError"


def test_phases_that_changed_places_are_damage():
    session = steady({"a": 0.0}, confirm=("a",))
    assert judge(session, POLICY).verdict is Verdict.OK
    changed(session, 3, phase=Phase.CONFIRM)
    changed(session, 14, phase=Phase.SCREEN)
    judgement = judge(session, POLICY)
    assert of(judgement, "a").note == "the blocks are not in the order screen, confirm"
    assert judgement.verdict is Verdict.INVALID


def test_a_block_that_measured_nothing_and_was_made_again_is_only_a_bad_block():
    session = steady({"a": 0.0})
    session.blocks.insert(3, block(99, Phase.SCREEN, {}, trouble="a slot died", sentinel=None))
    for number, one in enumerate(session.blocks):
        session.blocks[number] = msgspec.structs.replace(one, number=number)
    judgement = judge(session, POLICY)
    assert (judgement.verdict, of(judgement, "a").blocks) == (Verdict.OK, 12)
    assert judgement.controls.bad_blocks == pytest.approx(1 / 13)


def test_a_confirmation_that_lost_blocks_is_no_confirmation():
    session = steady({"a": 0.1}, confirm=("a",))
    session.blocks.pop(20)
    one = of(judge(session, POLICY), "a")
    assert (one.verdict, one.note) == (Verdict.INVALID, "block 20 is missing")


def test_a_number_that_no_session_reaches_is_a_lost_block_and_costs_nothing():
    session = steady({"a": 0.0})
    changed(session, 11, number=10**15)
    assert of(judge(session, POLICY), "a").note == "block 11 is missing"
