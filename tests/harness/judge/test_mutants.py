"""The judge's mutants: each lacks one thing, and comes out worse where that thing matters."""

import math

import msgspec
import pytest

from harness.judge.judge import judge
from harness.judge.looks import Looks
from harness.judge.mutants import MUTANTS, fixed_order, pooled, stale_baseline, unconfirmed
from harness.judge.verdict import Verdict
from harness.policy.policy import Policy
from tests.support.judge import PAIRS, Simulation, sha256

POLICY = Policy()
ALARM = {Verdict.REGRESSED, Verdict.IMPROVED}


def sessions(count, change=0.0, **options):
    for seed in range(count):
        yield Simulation({"a": change}, seed=seed, **options).run(Looks(POLICY))


def alarms(mutant, found):
    return sum(mutant(one, POLICY)["a"] in ALARM for one in found)


def ours(session):
    return next(one for one in judge(session, POLICY).comparisons if one.metric == "wall").verdict


def test_samples_of_one_process_taken_for_independent_raise_false_alarms():
    found = list(sessions(60))
    assert alarms(pooled, found) > 6
    assert sum(ours(one) in ALARM for one in found) == 0


def test_a_screen_that_is_believed_raises_more_false_alarms_than_its_confirmation():
    found = list(sessions(400))
    assert alarms(unconfirmed, found) > sum(ours(one) in ALARM for one in found)


def test_a_fixed_order_takes_the_order_for_the_code():
    def warmed(slices):
        # Whoever runs first in a pair pays 5 % for cold caches.
        base, candidate = (
            [
                round(ns * (1.05 if first == side else 1))
                for ns, first in zip(times, slices.first, strict=True)
            ]
            for side, times in ((0, slices.base_ns), (1, slices.candidate_ns))
        )
        return msgspec.structs.replace(slices, base_ns=base, candidate_ns=candidate)

    (session,) = sessions(1, sd=0.003)
    even = [0, 1, 0, 1][: PAIRS + 1]
    for number, one in enumerate(session.blocks):
        slices = {}
        for name, measured in one.slices.items():
            longer = msgspec.structs.replace(
                measured,
                first=even,
                base_ns=measured.base_ns[:1] * 4,
                candidate_ns=measured.candidate_ns[:1] * 4,
            )
            slices[name] = warmed(longer)
        session.blocks[number] = msgspec.structs.replace(one, slices=slices)
    assert fixed_order(session, POLICY)["a"] is Verdict.IMPROVED
    assert ours(session) is Verdict.OK


def test_a_stale_baseline_takes_the_weather_for_the_code():
    (session,) = sessions(1, sd=0.003)

    def faster(slices):
        return msgspec.structs.replace(slices, base_ns=[round(ns / 1.1) for ns in slices.base_ns])

    # The machine was a tenth faster on the day of the earlier session.
    earlier = msgspec.structs.replace(
        session,
        blocks=[
            msgspec.structs.replace(one, slices={name: faster(s) for name, s in one.slices.items()})
            for one in session.blocks
        ],
    )
    assert stale_baseline(session, POLICY, earlier)["a"] is Verdict.REGRESSED
    assert stale_baseline(session, POLICY, session)["a"] is Verdict.OK


def test_a_stale_baseline_of_other_slices_is_compared_call_by_call():
    (session,) = sessions(1, sd=0.003)
    half = [msgspec.structs.replace(mark, calls=mark.calls // 2) for mark in session.benchmarks]
    blocks = [
        msgspec.structs.replace(
            one,
            slices={
                name: msgspec.structs.replace(s, base_ns=[ns // 2 for ns in s.base_ns])
                for name, s in one.slices.items()
            },
        )
        for one in session.blocks
    ]
    earlier = msgspec.structs.replace(session, benchmarks=half, blocks=blocks)
    assert stale_baseline(session, POLICY, earlier)["a"] is Verdict.OK


@pytest.mark.parametrize("name", MUTANTS)
def test_a_large_effect_is_seen_by_every_mutant(name):
    policy = Policy()
    simulation = Simulation({"a": 0.2})
    simulation.receipt.policy_sha256 = sha256(policy)
    session = simulation.run(Looks(policy))
    assert MUTANTS[name](session, policy) == {"a": Verdict.REGRESSED}


def test_pooling_gives_the_p_of_the_tables():
    # Mann and Whitney 1947: all of five below all of five has U = 0; the normal approximation gives p = 0.0045.
    from harness.judge.mutants import _mann_whitney

    greater, less = _mann_whitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])
    assert greater == pytest.approx(0.0045, abs=1e-4)
    assert math.isclose(greater + less, 1)
    assert _mann_whitney([1, 1], [1, 1]) == (1, 1)
    assert _mann_whitney([], []) == (1, 1)
