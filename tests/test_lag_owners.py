"""Who owns the lag of an arrival: the target that held the loop, with the backlog that it left, the host, or we."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.open_model import OpenModel, PlannedRows
from harness.load.split import Split

MS = 1_000_000


class Delay:
    """A host that ran something else for so long."""

    def __init__(self, delay_ns=0):
        self.delay_ns = delay_ns

    def take_ns(self, most_ns):
        return min(self.delay_ns, most_ns)


@pytest.fixture
def split():
    made = Split(object(), lambda: 0)
    made.watch(0)
    return made


@pytest.fixture
def model(split):
    rows = PlannedRows([], [], [])
    return OpenModel(rows, None, None, 0, split, {}, in_flight_limit=1, deadline_ns=0)


def owners(model, due_ms, now_ms, delay_ns=0):
    held_ns, host_ns = model._owners_of_lag(round(due_ms * MS), round(now_ms * MS), Delay(delay_ns))
    return held_ns / MS, host_ns / MS


def test_an_arrival_in_the_stall_is_the_targets_to_its_last_moment(model, split):
    split.remember(0, 100 * MS)
    assert owners(model, 10, 100.2) == (90.2, 0)


def test_letting_the_backlog_go_is_the_targets_doing(model, split):
    split.remember(0, 100 * MS)
    owners(model, 10, 100)
    # The last of the backlog, let go 5 ms after the loop was free, had 1 ms of the stall itself.
    assert owners(model, 99, 105) == (6, 0)


def test_what_comes_after_the_backlog_has_its_own_owners(model, split):
    split.remember(0, 100 * MS)
    owners(model, 10, 100)
    assert owners(model, 101, 105) == (0, 0)


def test_what_the_host_took_from_the_backlog_stays_the_hosts(model, split):
    split.remember(0, 100 * MS)
    assert owners(model, 10, 103, 3 * MS) == (90, 3)


def test_a_slow_driver_makes_no_backlog_of_the_target(model, split):
    split.remember(0, 1 * MS)
    assert owners(model, 0.5, 10) == (0.5, 0)
    assert owners(model, 5, 11) == (0, 0)


@given(
    st.lists(st.tuples(st.integers(5_001, 10**6), st.integers(1, 10**6)), max_size=20),
    st.lists(st.integers(0, 3 * 10**7), max_size=20),
)
def test_what_was_held_is_the_sum_of_the_stretches_after_the_moment(stretches, moments):
    split = Split(object(), lambda: 0)
    split.watch(0)
    at_ns, holds = 0, []
    for gap_ns, length_ns in stretches:
        holds.append((at_ns + gap_ns, at_ns + gap_ns + length_ns))
        at_ns = holds[-1][1]
        split.remember(*holds[-1])
    for moment_ns in sorted(moments):
        expected = sum(end - max(start, moment_ns) for start, end in holds if end > moment_ns)
        assert split.held_ns(moment_ns) == expected
