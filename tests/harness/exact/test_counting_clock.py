"""A core whose clock stands still: nothing expires and nothing is begun that waits, so that equal requests do equal work."""

import random
import threading
import time

import pytest

from targets.asset_core.clocks import Clocks
from targets.core_target import create

ASSET = "GET /assets/{id}"


@pytest.fixture
def hosted():
    made = []

    def host(**parameters):
        target = create(latency_ms="0", **parameters)
        made.append(target)
        target.open()
        return target

    yield host
    for target in made:
        target.close()


def background_threads():
    return [thread for thread in threading.enumerate() if thread.name == "asset-core-health"]


def test_stopped_clocks_show_one_moment():
    clocks = Clocks.stopped()
    moment = (clocks.monotonic(), clocks.wall())
    time.sleep(0.001)
    assert (clocks.monotonic(), clocks.wall()) == moment
    assert not clocks.moves


def test_no_interval_is_waited_for_where_time_stands_still(hosted):
    before = len(background_threads())
    hosted(clock="stopped")
    assert len(background_threads()) == before
    hosted(clock="system")
    assert len(background_threads()) == before + 1


@pytest.mark.parametrize("variant", ["optimised", "baseline"])
def test_tokens_and_deadlines_hold_at_the_moment_that_stays(hosted, variant):
    target = hosted(clock="stopped", variant=variant)
    rng = random.Random(1)
    statuses = {target.call(target.make_event(ASSET, rng))["statusCode"] for _ in range(50)}
    assert 200 in statuses
    assert statuses <= {200, 404}


@pytest.mark.parametrize(("clock", "same"), [("stopped", True), ("system", False)])
def test_answers_made_at_different_times_bear_the_same_one(hosted, clock, same):
    target = hosted(clock=clock, variant="baseline")
    event = target.make_event(ASSET, random.Random(1))
    first = target.call(event)["headers"]["X-Fetched-At"]
    time.sleep(0.005)
    assert (target.call(event)["headers"]["X-Fetched-At"] == first) is same
