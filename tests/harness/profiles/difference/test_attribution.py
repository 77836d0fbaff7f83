"""A change of latency is divided among the functions and waits that explain it, and what nothing explains is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.profiles.difference.attribution import (
    NO_STACK,
    RUN,
    WAIT_IDLE,
    Latency,
    attribute,
    own_weights,
)
from harness.profiles.stacks.folded import Profile
from tests.support.difference import profiles


def latency(whole, run, busy, idle):
    return Latency(whole, {RUN: run, "wait_busy_ns": busy, "wait_idle_ns": idle})


ns = st.floats(0, 1e9)
latencies = st.builds(latency, ns, ns, ns, ns)


@given(latencies, latencies, profiles | st.none(), profiles | st.none())
def test_the_rows_add_up_to_the_change_and_the_last_one_is_what_nothing_explains(one, two, first, second):
    own = {RUN: (own_weights(first), own_weights(second))} if first and second else {}
    rows = attribute(one, two, own)
    for row in rows:
        if row.frames:
            assert sum(frame.change_ns for frame in row.frames) == pytest.approx(row.change_ns, abs=1e-3)
    assert sum(row.change_ns for row in rows) == pytest.approx(two.whole_ns - one.whole_ns, abs=1e-3)
    assert rows[-1].kind == "unexplained"
    assert [row.kind for row in rows].count("unexplained") == 1


def test_a_slower_function_has_the_whole_change_whatever_the_rate():
    before = Profile("samples", {("main", "parse"): 30, ("main", "send"): 50})
    after = Profile("samples", {("main", "parse"): 300, ("main", "send"): 1500})
    own = {RUN: (own_weights(before), own_weights(after))}
    run, *others = attribute(latency(9e6, 8e6, 0, 1e6), latency(19e6, 18e6, 0, 1e6), own)
    assert (run.kind, run.name, run.change_ns) == ("part", RUN, 10e6)
    assert [(frame.name, frame.change_ns) for frame in run.frames] == [
        ("send", pytest.approx(10e6)),
        ("parse", pytest.approx(0)),
    ]
    assert [row.change_ns for row in others] == pytest.approx([0, 0, 0])


def test_a_longer_wait_is_no_frame():
    profile = Profile("samples", {("main", "parse"): 30})
    own = {RUN: (own_weights(profile), own_weights(profile)), WAIT_IDLE: ({}, {"recv": 2.0, "poll": 6.0})}
    rows = attribute(latency(5e6, 3e6, 1e6, 1e6), latency(9e6, 3e6, 1e6, 5e6), own)
    assert (rows[0].kind, rows[0].name, rows[0].change_ns) == ("part", WAIT_IDLE, 4e6)
    # The side that has no stack for what it waited says so, and the other divides its own.
    assert {frame.name: frame.change_ns for frame in rows[0].frames} == {
        NO_STACK: -1e6, "poll": 3.75e6, "recv": 1.25e6
    }  # fmt: skip
    assert sum(frame.change_ns for row in rows[1:] for frame in row.frames) == 0


def test_what_no_part_explains_is_said():
    rows = attribute(Latency(5e6, {}), Latency(9e6, {}), {})
    assert [(row.kind, row.change_ns) for row in rows] == [("unexplained", 4e6)]


def test_run_time_without_a_profile_stays_one_row():
    rows = attribute(latency(5e6, 4e6, 0, 1e6), latency(6e6, 5e6, 0, 1e6), {})
    assert (rows[0].name, rows[0].change_ns, rows[0].frames) == (RUN, 1e6, ())
