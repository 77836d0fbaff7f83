"""What a loop that stood still, and who held it, do to the validity of a run."""

import pytest

from harness.policy.thresholds import Level
from harness.reading import loop
from harness.run.documents import HostFacts
from harness.run.facts import Blocked, LoadFacts
from tests.support.validity import CALLS, MS, a_run
from tests.support.validity import validity_of as judge


def of_the_loop(**facts):
    return LoadFacts(origin_ns=0, origin_unix_s=0.0, ended_ns=10 * 1_000 * MS, split=True, **facts)


def blocked(held_ms, blocked_ms, stretches=10):
    return Blocked(stretches=stretches, held_ns=held_ms * MS, blocked_ns=blocked_ms * MS)


@pytest.mark.parametrize(
    ("found", "host", "named"),
    [
        ({"read": blocked(4_400, 4_300)}, HostFacts(), ["read"]),
        (
            {"read": blocked(4_400, 4_300), "other greenlets": blocked(100, 90)},
            HostFacts(),
            ["read", "other greenlets"],
        ),
        ({"read": blocked(4_400, 0), "write": blocked(1_000, 900)}, HostFacts(), ["write"]),
        # A little of it is a page that had to be read; half of a holder's time says nothing of what it does.
        ({"read": blocked(220, 200)}, HostFacts(), []),
        ({"read": blocked(4_400, 2_000)}, HostFacts(), []),
        # Two cores' steal may all have been this thread's.
        ({"read": blocked(4_400, 4_300)}, HostFacts(steal_share=0.2), []),
        ({}, HostFacts(), []),
    ],
)
def test_who_holds_the_loop_without_the_processor_is_named_and_degrades(found, host, named):
    run = a_run(facts=of_the_loop(blocked=found), host=host, environment={"cores": 2})
    reasons = [reason for reason in judge(run).reasons if "without using the CPU" in reason]
    assert [reason.partition(" holds ")[0] for reason in reasons] == named
    assert (judge(run).level is Level.DEGRADED) == bool(named)


def test_the_figures_of_a_blocking_call_are_those_of_one():
    run = a_run(facts=of_the_loop(blocked={"read": blocked(2_200, 2_150, 100)}))
    (reason,) = judge(run).reasons
    assert "read holds the event loop without using the CPU: 21.5 ms of 22 ms each time, 100 times" in reason


@pytest.mark.parametrize(
    ("halted_ms", "level"), [(100, Level.VALID), (1_000, Level.DEGRADED), (9_000, Level.DEGRADED)]
)
def test_a_loop_that_stood_still_degrades_and_blames_neither_machine_nor_harness(halted_ms, level):
    run = a_run(facts=of_the_loop(halted_ns=halted_ms * MS, longest_halt_ns=60 * MS))
    assert judge(run).level is level
    for reason in judge(run).reasons:
        assert "at most 60 ms at once" in reason
        assert "harness" not in reason


@pytest.mark.parametrize(
    ("executor", "aside_ms", "level"),
    [("closed", 500, Level.VALID), ("closed", 3_000, Level.DEGRADED), ("open", 3_000, Level.VALID)],
)
def test_a_driver_that_judges_and_renews_for_long_between_calls_degrades_a_throughput(
    executor, aside_ms, level
):
    run = a_run(facts=of_the_loop(aside_ns=aside_ms * MS), executor=executor)
    assert judge(run).level is level


def test_judging_that_takes_no_longer_than_recording_is_part_of_what_measuring_costs(monkeypatch):
    run = a_run(facts=of_the_loop(aside_ns=3_000 * MS), executor="closed")
    monkeypatch.setattr(loop, "_OF_RECORDING_NS", 3_000 * MS / CALLS)
    assert judge(run).level is Level.VALID


def test_what_came_when_all_was_measured_degrades():
    assert judge(a_run(notes=["close() hung"])).reasons == ("close() hung",)
    assert judge(a_run(notes=["close() hung"])).level is Level.DEGRADED
