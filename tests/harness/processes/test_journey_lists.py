"""The exact drivers call a target with a journey step by step, each step by users who have made all steps before it."""

import dataclasses
import itertools

import pytest

from harness.errors import TargetError
from harness.model import Engine
from harness.processes.journey_lists import Rounds, called, exact_lists
from harness.processes.one_user import OneUser
from harness.target.carrying import Carrier
from harness.target.journeys import Journey, Step, for_user, for_user_async
from harness.target.loading import LoadedTarget

STEPS = ("login", "browse", "browse", "buy")


class Log:
    """A target whose users remember their steps; `fails(user, operation)` tells which calls fail."""

    def __init__(self, fails=lambda user, operation: False, steps=STEPS):
        self.made, self.fails, numbers = [], fails, itertools.count()
        nothing = dict.fromkeys(
            ("open", "close", "counters", "instrument", "record_sites", "sites"), lambda *_: None
        )
        self.target = LoadedTarget(
            call=for_user(self.call), operations={"buy": 1.0, "login": 1.0, "browse": 1.0, "never": 1.0},
            make_event=lambda operation, rng: operation, judge=None,
            journey=Journey(tuple(map(Step, steps)), lambda rng: [next(numbers)]), **nothing,
        )  # fmt: skip

    def call(self, event, user):
        user.append(event)
        self.made.append(tuple(user))
        if self.fails(user[0], event):
            raise ValueError("no")


def test_each_measured_call_is_the_next_step_of_a_user_who_has_made_those_before():
    log = Log()
    one = OneUser(log.target, Carrier())
    mix = called(log.target, log.target.operations)
    warm_up, measured = exact_lists(one, log.target, mix, 1, 6)
    assert sorted(mix) == ["browse", "buy", "login"]
    one.warm_up(warm_up)
    assert all(steps == STEPS[: len(steps)] for _, *made in log.made for steps in [tuple(made)])
    whole = [made for made in log.made if made[1:] == STEPS]
    assert len(whole) == 6, "the warm-up has whole journeys"
    del log.made[:]
    assert one.make_all(measured) == []
    assert len(log.made) == len(measured) == 3 * 6
    assert len({made[0] for made in log.made}) == 3 * 6, "each by a user of its own"
    assert all(made[1:] == STEPS[: len(made) - 1] for made in log.made)
    lengths = sorted(len(made) - 1 for made in log.made)
    assert lengths == [1] * 6 + [2] * 3 + [3] * 3 + [4] * 6, "both steps of an operation are measured"


def test_a_subset_of_the_operations_is_measured_alone():
    log = Log()
    _, measured = exact_lists(OneUser(log.target, Carrier()), log.target, {"browse": 1.0}, 1, 3)
    assert [request.operation for request in measured] == ["browse"] * 3


def test_a_step_that_cannot_be_reached_is_an_error_that_names_the_failed_one():
    log = Log(lambda user, operation: operation == "browse")
    one = OneUser(log.target, Carrier())
    warm_up, _ = exact_lists(one, log.target, called(log.target, log.target.operations), 1, 2)
    with pytest.raises(TargetError, match=r"step 2, 'browse', failed before step 4, 'buy'") as caught:
        one.warm_up(warm_up)
    assert "ValueError" in str(caught.value)


def test_rounds_are_whole_journeys_of_one_user_after_the_other_and_a_failure_ends_one():
    log = Log(lambda user, operation: user == 1 and operation == "browse")
    one = OneUser(log.target, Carrier())
    rounds = Rounds(one, log.target, 1, 9)
    (failure,) = one.make_all(rounds)
    assert (failure.operation, failure.count) == ("browse", 1)
    assert [made[0] for made in log.made] == [0] * 4 + [1] * 2 + [2] * 4
    assert dict(rounds.made) == {"login": 3, "browse": 5, "buy": 2}


def test_an_asynchronous_target_is_called_for_the_same_users():
    log = Log()

    async def call(event, user):
        log.call(event, user)

    target = dataclasses.replace(log.target, call=for_user_async(call), engine=Engine.ASYNCIO)
    one = OneUser(target, Carrier())
    one.make_all(Rounds(one, target, 1, 8))
    assert [made[0] for made in log.made] == [0] * 4 + [1] * 4
    target.loop.close()


def test_users_without_a_journey_are_one_user_who_makes_all_calls():
    log = Log(steps=())
    one = OneUser(log.target, Carrier())
    warm_up, measured = exact_lists(one, log.target, log.target.operations, 1, 2)
    one.warm_up(warm_up)
    one.make_all(measured)
    assert len(log.made) == 16
    assert {made[0] for made in log.made} == {0}
