"""Who owns the lag of an arrival: the target that held the loop, with the backlog that it left, the host, or we."""

import json
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.holds import Holds
from harness.load.lateness import Lateness
from harness.load.split import Split
from tests.harness.load.test_split import run_child

MS = 1_000_000


class Delay:
    """A host that ran something else for so long."""

    def __init__(self, delay_ns=0):
        self.delay_ns = delay_ns

    def kept_ns(self, _from_ns, _now_ns, unexplained_ns):
        return min(self.delay_ns, unexplained_ns)


class Loop:
    """The arrivals of an open model whose loop the test gives to the target and to the driver, in ms."""

    def __init__(self):
        self.split = Split(object(), lambda: 0)
        self.split.watch(0)
        self.delay = Delay()
        self.lateness = Lateness(self.split, self.delay)
        self.now_ns = 0

    def target(self, length_ms):
        start_ns, self.now_ns = self.now_ns, self.now_ns + round(length_ms * MS)
        self.split.mark_ns = start_ns
        self.split._close(self.split._background, self.now_ns)

    def driver(self, length_ms):
        self.now_ns += round(length_ms * MS)

    def let_go(self, due_ms, delay_ns=0):
        """Let an arrival go now: (target, host, harness) of its lag, in ms."""
        due_ns = round(due_ms * MS)
        self.delay.delay_ns = delay_ns
        held_ns, host_ns = self.lateness.owners(due_ns, self.now_ns, 0)
        return held_ns / MS, host_ns / MS, (self.now_ns - due_ns - held_ns - host_ns) / MS


@pytest.fixture
def loop():
    return Loop()


def test_an_arrival_in_the_stall_is_the_targets(loop):
    loop.target(100)
    loop.driver(0.04)
    assert loop.let_go(10) == (90.04, 0, 0)


def test_what_the_client_of_a_server_holds_is_the_harnesss(loop):
    """The work of calls in this process is the harness's own client: no server has delayed the arrival."""
    loop.split.is_remote = True
    loop.target(100)
    assert loop.let_go(10) == (0, 0, 90)
    assert loop.let_go(10, 5 * MS) == (0, 5, 85)


def test_after_a_stall_the_driver_has_no_more_time_than_it_promises_to_need(loop):
    loop.target(100)
    loop.driver(0.15)
    assert loop.let_go(10) == (90.05, 0, 0.1)


def test_letting_the_backlog_go_is_the_targets_doing(loop):
    loop.target(100)
    lags = []
    for due_ms in range(10, 100):
        loop.driver(0.02)
        lags.append(loop.let_go(due_ms))
    # The last, let go 1.8 ms after the loop was free, had 1 ms of the stall itself.
    assert lags[-1] == (2.8, 0, 0)
    assert all(harness == 0 for _, _, harness in lags)


def test_what_the_driver_needs_beyond_its_promise_is_its_own_in_a_backlog_too(loop):
    loop.target(100)
    for due_ms in range(10, 99):
        loop.driver(1)
        loop.let_go(due_ms)
    loop.driver(1)
    assert loop.let_go(99) == (1 + 90 * 0.05, 0, 90 * 0.95)


def test_a_hold_of_the_harness_within_a_backlog_is_not_the_targets(loop):
    loop.target(100)
    for due_ms in range(10, 60):
        loop.driver(0.02)
        loop.let_go(due_ms)
    loop.driver(30)
    target_ms, _, harness_ms = loop.let_go(60)
    # What pacer and workers may take in one turn is all that it can hide.
    assert harness_ms >= 30 - 2
    assert target_ms == pytest.approx(40 + 50 * 0.02 + 30 - harness_ms)
    # And it stays the harness's for all who were due before it.
    loop.driver(0.02)
    assert loop.let_go(61)[2] == harness_ms


def test_calls_that_hold_the_loop_in_a_backlog_are_the_targets(loop):
    loop.target(100)
    for due_ms in range(10, 99):
        loop.driver(0.02)
        loop.let_go(due_ms)
        loop.target(0.5)
    loop.driver(0.02)
    target_ms, host_ms, harness_ms = loop.let_go(99)
    assert target_ms == pytest.approx(1 + 90 * 0.02 + 89 * 0.5)
    assert (host_ms, harness_ms) == (0, 0)


def test_what_comes_after_the_backlog_has_its_own_owners(loop):
    loop.target(100)
    loop.driver(0.02)
    loop.let_go(10)
    loop.driver(5)
    assert loop.let_go(101) == (0, 0, 4.02)


def test_an_overloaded_target_owns_the_lag_that_never_ends(loop):
    # One arrival a ms, each of which holds the loop for 1.2 ms and costs the driver 0.03 ms.
    due_ms = 0
    for due_ms in range(1_000):
        loop.now_ns = max(loop.now_ns, due_ms * MS)
        loop.driver(0.03)
        loop.let_go(due_ms)
        loop.target(1.2)
    target_ms, _, harness_ms = loop.let_go(due_ms + 1)
    assert target_ms > 200
    assert harness_ms < 0.1


def test_what_the_host_took_from_the_backlog_stays_the_hosts(loop):
    loop.target(100)
    loop.driver(3)
    assert loop.let_go(10, 3 * MS) == (90.05, 2.95, 0)


def test_what_nobody_knows_is_the_harnesss(loop):
    loop.driver(10)
    assert loop.let_go(0) == (0, 0, 10)
    assert loop.let_go(1, 4 * MS) == (0, 4, 5)


def test_a_slow_driver_makes_no_backlog_of_the_target(loop):
    loop.target(1)
    loop.driver(9)
    assert loop.let_go(0.5) == (0.5, 0, 9)
    loop.driver(1)
    assert loop.let_go(5) == (0, 0, 6)


PAUSE = """
    import json, sys
    import gevent
    from gevent.hub import get_hub
    from harness.load.closed_model import ClosedModel
    from harness.load.run_delay import RunDelay
    from harness.load.owner import Owner
    from harness.load.split import Split

    think_ms, moves = json.loads(sys.argv[1])
    time_ns = 0

    def now_ns():
        return time_ns

    def advance(length_ms):
        global time_ns
        time_ns += round(length_ms * 1e6)

    def drive(length_ms):
        split.owners[gevent.getcurrent()] = Owner()
        advance(length_ms)

    def idle(length_ms):
        get_hub().loop.run_callback(advance, length_ms)
        gevent.sleep(0)

    def play():
        # One after the other, all before the pause of the user is over.
        split.owners[gevent.getcurrent()] = Owner()
        for who, length_ms in moves:
            gevent.spawn({"target": advance, "driver": drive, "idle": idle}[who], length_ms).join()

    def user():
        split.owners[gevent.getcurrent()] = Owner()
        intended, now, held, host = model._pause(now_ns(), think_ms / 1e3)
        print(json.dumps([x / 1e6 for x in (intended, held, now - intended - held - host)]))

    split = Split(get_hub(), now_ns)
    model = ClosedModel(None, split, split.owners, end_ns=1 << 60, think_time_s=think_ms / 1e3, drain_s=0,
        delay=RunDelay("/no/account", cpu_ns=now_ns))
    model._now_ns = now_ns
    split.watch(0)
    split.start()
    script = gevent.spawn(play)
    gevent.joinall([gevent.spawn(user), script])
    split.stop()
"""


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        # A user who thinks for 50 ms: (intended, the target's part of its lag, the harness's part).
        ([["target", 30], ["idle", 5]], (35, 0, 0)),
        ([["target", 30], ["idle", 20], ["target", 7]], (50, 7, 0)),
        # What the target held while the user thought is no excuse for what the driver did then.
        ([["target", 30], ["idle", 20], ["driver", 7]], (50, 0, 7)),
        ([["target", 30], ["idle", 18], ["target", 6], ["driver", 3], ["target", 1]], (50, 5, 3)),
        ([["idle", 54]], (50, 0, 4)),
    ],
)
def test_a_user_who_wakes_late_knows_whose_doing_it_was(moves, expected):
    said = run_child("-c", textwrap.dedent(PAUSE), json.dumps([50, moves]))
    assert tuple(json.loads(said)) == expected


@given(
    st.lists(st.tuples(st.integers(5_001, 10**6), st.integers(1, 10**6)), max_size=20),
    st.lists(st.integers(0, 3 * 10**7), max_size=20),
)
def test_what_was_held_is_the_sum_of_the_stretches_after_the_moment(stretches, moments):
    kept = Holds()
    at_ns, holds = 0, []
    for gap_ns, length_ns in stretches:
        holds.append((at_ns + gap_ns, at_ns + gap_ns + length_ns))
        at_ns = holds[-1][1]
        kept.remember(*holds[-1])

    def expected(moment_ns):
        return sum(end - max(start, moment_ns) for start, end in holds if end > moment_ns)

    for moment_ns in moments:
        assert kept.recent_ns(moment_ns) == expected(moment_ns)
    for moment_ns in sorted(moments):
        assert kept.since_ns(moment_ns) == expected(moment_ns)


def test_a_hold_of_seconds_ago_is_not_forgotten_in_a_long_backlog():
    kept, stretches = Holds(), 30_000
    for number in range(stretches):
        kept.remember(number * 400_000, number * 400_000 + 300_000)
        if number % 500 == 0:
            assert kept.recent_ns(0) == (number + 1) * 300_000
    for moment in range(0, stretches, 997):
        expected_ns = (stretches - moment) * 300_000
        assert abs(kept.recent_ns(moment * 400_000) - expected_ns) <= 0.02 * expected_ns
    assert len(kept._holds) < 5_000
