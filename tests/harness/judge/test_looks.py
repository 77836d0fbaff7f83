"""What a running session asks for: the next block's benchmarks, and what is judged of those that were measured no further."""

from collections import Counter

import msgspec
import pytest

from harness.judge.judge import judge
from harness.judge.looks import Looks
from harness.judge.verdict import Verdict
from harness.session.receipt import Benchmark, Concurrency, Phase, SessionPlan
from tests.support.judge import (
    CONTROL,
    PAIRS,
    POLICY,
    Simulation,
    block,
    changed,
    of,
    simulated,
    slices,
    steady,
    verdicts,
)


def test_a_session_goes_on_with_what_is_neither_cleared_nor_leaning():
    session = steady({"clear": 0.0, "slow": 0.1, "fast": -0.1})
    open_one = [0.03 * (-1) ** number for number in range(12)]
    for number, change in enumerate(open_one):
        one = session.blocks[number]
        session.blocks[number] = msgspec.structs.replace(one, slices=one.slices | {"open": slices(change)})
    session.benchmarks.append(Benchmark(name="open", pairs=PAIRS))
    looks = Looks(POLICY)
    assert looks.screening(session) == {"open"}
    assert looks.to_confirm(session) == ({"slow", "fast"}, 9)
    session.plan = SessionPlan(screen_blocks=12)
    assert looks.screening(session) == frozenset()
    assert looks.confirming(session) == {"slow", "fast"}


def test_before_the_least_number_of_blocks_nothing_is_decided():
    session = steady({"a": 0.0, "b": 0.3}, screen=7)
    assert Looks(POLICY).screening(session) == {"a", "b"}
    session.blocks[7:] = [block(7, Phase.SCREEN, {"a": 0.0, "b": 0.3, CONTROL.name: 0.0})]
    assert Looks(POLICY).screening(session) == frozenset()


def test_what_is_decided_is_measured_no_further_and_that_is_no_gap():
    session = simulated({"a": 0.0, "calm": 0.0, "b": 0.0}, sd=0.02, seed=4)
    held = Counter(name for one in session.blocks for name in one.slices)
    assert len(set(held.values())) > 1
    assert Verdict.INVALID not in verdicts(judge(session, POLICY)).values()


def test_data_lost_from_a_block_that_should_hold_it_is_a_gap():
    session = steady({"a": 0.0, "b": 0.0})
    one = session.blocks[10]
    session.blocks[10] = msgspec.structs.replace(
        one, slices={"a": one.slices["a"], CONTROL.name: slices(0.0)}
    )
    found = of(judge(session, POLICY), "b")
    assert (found.verdict, found.note) == (Verdict.INVALID, "missing from block 10")


def test_a_session_that_ended_with_an_open_benchmark_and_blocks_left_is_invalid():
    session = steady({"a": 0.0})
    for number, one in enumerate(session.blocks):
        session.blocks[number] = msgspec.structs.replace(
            one, slices=one.slices | {"a": slices(0.05 * (-1) ** number)}
        )
    found = of(judge(session, POLICY), "a")
    assert found.verdict is Verdict.INVALID
    assert "undecided after 12 of up to 24 blocks" in found.note
    session.plan = SessionPlan(screen_blocks=12)
    assert of(judge(session, POLICY), "a").verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("changes", "sd"), [({"a": 0.05, "b": 0.01}, 0.02), ({"a": 0.03, "b": -0.04}, 0.03)])
def test_what_the_session_asked_does_not_change_when_fresh_blocks_come_in(changes, sd):
    session = Simulation(changes, sd=sd, seed=3).run(Looks(POLICY))
    early = msgspec.structs.replace(
        session, blocks=[one for one in session.blocks if one.phase is not Phase.CONFIRM]
    )
    assert Looks(POLICY).to_confirm(early) == Looks(POLICY).to_confirm(session)


def test_work_beside_the_calling_thread_that_was_not_planned_for_gives_no_verdict():
    session = steady({"a": -0.3}, confirm=("a",))
    changed(session, 5, beside={"a": Concurrency.THREADS})
    one = of(judge(session, POLICY), "a")
    assert one.verdict is Verdict.INCONCLUSIVE
    assert "works beside its calling thread (threads) since block 5" in one.note


def test_a_concurrent_benchmark_that_one_cpu_cannot_run_gives_no_verdict():
    session = steady({"a": -0.3}, confirm=("a",))
    note = "its threads need two CPUs, and this machine lends one"
    session.benchmarks[0] = msgspec.structs.replace(
        session.benchmarks[0], concurrency=Concurrency.THREADS, note=note
    )
    one = of(judge(session, POLICY), "a")
    assert (one.verdict, one.note) == (Verdict.INCONCLUSIVE, note)


def crowded(session, places):
    """Take the benchmark `a` out of these blocks, as of slots whose CPUs other processes took."""
    session.benchmarks[0] = msgspec.structs.replace(session.benchmarks[0], concurrency=Concurrency.THREADS)
    for place in places:
        slices = {name: one for name, one in session.blocks[place].slices.items() if name != "a"}
        changed(
            session, place, slices=slices, crowded={"a": "other processes took 90% of the session's CPUs"}
        )
    return session


def test_a_block_without_room_for_the_threads_of_a_benchmark_is_no_evidence_on_it_and_no_fault():
    session = crowded(steady({"a": 0.3}, confirm=("a",)), [2, -2])
    assert of(judge(session, POLICY), "a").verdict is Verdict.REGRESSED


def test_a_benchmark_whose_threads_had_room_in_few_blocks_gets_no_verdict_but_the_reason():
    session = steady({"a": -0.3}, confirm=("a",))
    crowded(session, range(len(session.blocks) // 2))
    one = of(judge(session, POLICY), "a")
    assert one.verdict is Verdict.INCONCLUSIVE
    assert "blocks had no room for it (limit 40%): other processes took 90% of the session's CPUs" in one.note
    nowhere = crowded(session, range(len(session.blocks)))
    assert of(judge(nowhere, POLICY), "a").verdict is Verdict.INCONCLUSIVE
