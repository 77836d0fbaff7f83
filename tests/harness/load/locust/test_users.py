"""Users of a locustfile: when their next call is due, what they never made, and which of them were lost."""

import pytest

from harness.load.locust.users import Users, pace_ns
from harness.run.client_facts import Paced
from harness.table.aside import Aside

MS = 1_000_000
PACE_MS = 20


def constant_pacing(wait_time):
    """As in Locust, by name and cells."""

    def wait_time_func(self):
        return wait_time

    return wait_time_func


def test_a_pace_is_found_by_its_function_alone():
    def other(wait_time):
        return lambda self: wait_time

    constant_pacing.__qualname__ = "constant_pacing"
    made = constant_pacing(0.02)
    made.__qualname__ = "constant_pacing.<locals>.wait_time_func"
    assert pace_ns(made) == PACE_MS * MS
    assert pace_ns(other(0.02)) == pace_ns(None) == pace_ns(5) == 0


class Clock:
    def __init__(self):
        self.now_ns = 1_000 * MS

    def __call__(self):
        return self.now_ns

    def sleep_ms(self, ms):
        self.now_ns += round(ms * MS)


class Tasks:
    user = object()


def paced(clock):
    users = Users(clock)
    users.pace_of = lambda tasks, user: PACE_MS * MS
    users._paces[Tasks, object] = PACE_MS * MS
    state = users.enter("me")
    users.begin_task(state)
    return users, state


def a_task(clock, users, state, task_ms, late_ms=0.0):
    """A task, and the wait after it as Locust computes it; return the lag of the next one in ms, and the target's part."""
    clock.sleep_ms(task_ms)
    seconds = max(PACE_MS - task_ms, 0) / 1000
    users.wait(state, Tasks(), seconds, lambda _tasks, slept_s: clock.sleep_ms(slept_s * 1000 + late_ms))
    return state.lag_ns / MS, state.lag_target_ns / MS


def test_a_quick_task_is_followed_by_one_in_time_and_only_the_loop_makes_it_late():
    clock = Clock()
    users, state = paced(clock)
    assert a_task(clock, users, state, 5) == (0, 0)
    assert a_task(clock, users, state, 5, late_ms=3) == (3, 0)


def test_a_slow_task_delays_the_next_by_what_it_took_beyond_the_pace_and_those_between_are_never_made():
    clock = Clock()
    users, state = paced(clock)
    begun_ns = clock()
    # 55 ms instead of 20: the next was due 35 ms ago, and another 15 ms ago, which is never made.
    assert a_task(clock, users, state, 55) == (35, 35)
    assert a_task(clock, users, state, 55) == (35, 35)
    assert users.paced(begun_ns, clock()) == Paced(made=2, never_made=2)
    elapsed = (clock() - begun_ns) / MS / PACE_MS
    assert pytest.approx(elapsed, abs=1.5) == 2 + 2, "made and never made are the plan"


def test_a_task_that_still_runs_at_the_end_has_missed_some_too_and_time_before_zero_does_not_count():
    clock = Clock()
    users, state = paced(clock)
    a_task(clock, users, state, 55)
    zero_ns = clock()
    clock.sleep_ms(100)
    assert users.paced(zero_ns, clock()) == Paced(made=1, never_made=100 // PACE_MS)


def test_without_a_pace_the_plan_is_the_end_of_the_wait():
    clock = Clock()
    users = Users(clock)
    state = users.enter("me")
    users.wait(state, Tasks(), 0.5, lambda _tasks, seconds: clock.sleep_ms(seconds * 1000 + 7))
    assert (state.lag_ns, state.lag_target_ns) == (7 * MS, 0)
    assert users.paced(0, clock()) is None


def test_the_causes_of_waking_late_are_asked_for_the_time_after_the_task_s_own_part():
    clock = Clock()
    users, state = paced(clock)
    asked = []
    users.causes = lambda from_ns, to_ns: asked.append((to_ns - from_ns) / MS) or (2 * MS, 1 * MS)
    assert a_task(clock, users, state, 55, late_ms=4) == (39, 37)
    assert (asked, state.lag_host_ns) == ([4], MS)


@pytest.mark.parametrize("seconds", [None, "soon", float("nan"), float("inf"), -3])
def test_a_wait_that_is_no_time_is_locust_s_own_affair(seconds):
    clock = Clock()
    users = Users(clock)
    slept = []
    users.wait(users.enter("me"), Tasks(), seconds, lambda _tasks, value: slept.append(value))
    assert len(slept) == 1


def test_users_that_nobody_stopped_are_lost_with_their_reason():
    users = Users(Clock())
    states = {
        name: users.enter(name)
        for name in ("starts badly", "works badly", "has enough", "was asked", "stays")
    }
    users.begin_task(states["works badly"])
    states["was asked"].is_asked = True
    users.leave("starts badly", states["starts badly"], ValueError())
    users.leave("works badly", states["works badly"], KeyError())
    users.leave("has enough", states["has enough"], None)
    users.leave("was asked", states["was asked"], None)
    users.has_ended = True
    users.leave("stays", states["stays"], None)
    assert users.lost == {
        "on_start raised ValueError": 1,
        "a task raised KeyError": 1,
        "ended by StopUser": 1,
    }
    assert (users.started, users.states) == (5, {})
    assert states["starts badly"].aside == Aside.ON_START
