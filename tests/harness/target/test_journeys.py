"""Journeys of users: which are refused, and how their ends are counted."""

import threading

import pytest

from harness.errors import TargetError
from harness.target.journey_ends import JourneyFacts, merged
from harness.target.journeys import USER, Journey, Step, Walks, journey_of


class Shop:
    journey = ("login", ("browse", 1.5), ("browse", 0))

    def make_user(self, rng):
        return rng.random()


def test_a_journey_is_steps_with_or_without_a_pause_of_their_own():
    journey = journey_of("shop", Shop(), {"login": 1, "browse": 1})
    assert journey.steps == (Step("login"), Step("browse", 1.5), Step("browse", 0))
    assert journey.has_users


def test_a_target_without_users_has_no_journey():
    assert not journey_of("shop", object(), {"call": 1}).has_users


@pytest.mark.parametrize(
    "step",
    [3, ("login", -1), ("login", "1"), ("login", True), ("login", 1, 2), ("login", float("inf")), None],
)
def test_a_step_that_cannot_be_read_is_shown(step):
    shop = Shop()
    shop.journey = [step]
    with pytest.raises(TargetError, match="has a step that cannot be read"):
        journey_of("shop", shop, {"login": 1})


def test_a_step_must_be_an_operation_of_the_target():
    with pytest.raises(TargetError, match="step 'browse', which is no operation of it") as refused:
        journey_of("shop", Shop(), {"login": 1})
    assert refused.value.remedy == "It offers: login"


def test_each_end_of_a_journey_is_counted_once():
    walks = Walks(journey_of("shop", Shop(), {"login": 1, "browse": 1}), ["browse", "login"], 1, 0.25)
    assert walks.steps == [(1, 0.25), (0, 1.5), (0, 0)]
    for ends_at in (None, 0, 2, 2):
        walks.start()
        step = 0
        while step is not None:
            step = walks.went(step, completed=step != ends_at)
    walks.start()
    assert walks.facts() == JourneyFacts(
        steps=["login", "browse", "browse"], started=5, completed=1, abandoned=[1, 0, 2]
    )
    assert merged([walks.facts(), walks.facts()]) == JourneyFacts(
        steps=["login", "browse", "browse"], started=10, completed=2, abandoned=[2, 0, 4]
    )


def test_the_same_seed_makes_the_same_users_and_each_thread_has_its_own():
    before = USER.get()

    def users(seed):
        walks = Walks(Journey(make_user=lambda rng: rng.random()), ["call"], seed, 0)
        found = []

        def make():
            walks.new_user()
            found.append(USER.get())

        for thread in (threading.Thread(target=make) for _ in range(3)):
            thread.start()
            thread.join()
        return found

    assert users(1) == users(1)
    assert len({*users(1), *users(2)}) == 6
    assert USER.get() is before


def test_a_user_that_cannot_be_made_is_told_as_a_fault_of_the_target():
    walks = Walks(Journey(make_user=lambda _rng: 1 / 0), ["call"], 1, 0)
    with pytest.raises(TargetError, match="could not make a user: ZeroDivisionError"):
        walks.new_user()
