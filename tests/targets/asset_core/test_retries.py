"""Retries end with the request: no pause is begun that would go beyond it."""

import dataclasses
import json
import random
import time

import pytest
from botocore.awsrequest import AWSResponse
from hypothesis import given
from hypothesis import strategies as st
from neo4j.exceptions import ClientError, ConstraintError, IncompleteCommit, ServiceUnavailable

from targets.asset_core.counting import Tally
from targets.asset_core.errors import DeadlineError, StoreError
from targets.asset_core.profiles import LAMBDA
from targets.asset_core.scope import Scope
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores.dynamo import DynamoAssets
from targets.asset_core.stores.graph import BoltGraph
from targets.asset_core.stores.graph_retries import with_retries


class Raw:
    def __init__(self, error):
        self.error = error

    def stream(self, **_options):
        return iter([json.dumps({"__type": self.error}).encode()])


@pytest.fixture
def throttled(monkeypatch):
    """A DynamoDB that refuses every call, as too many unless another error is set; its list says of each if it came in time."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    settings = StoreSettings("t", "", "", "", "", 0, dynamo_endpoint="http://127.0.0.1:1")
    store = DynamoAssets(settings, LAMBDA.dynamo, pooling=True)
    store.attempts, store.error, store.status = [], "ProvisionedThroughputExceededException", 400

    def refuse(request, **_options):
        store.attempts.append(time.monotonic() < store._current.due_s)
        return AWSResponse(request.url, store.status, {}, Raw(store.error))

    # Under this name it comes after what waits for leave to send.
    store.client.meta.events.register_last("before-send", refuse)
    yield store
    store.close()


def due_in(seconds):
    return Scope(time.monotonic() + seconds, Tally())


def pause_for(monkeypatch, seconds):
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: seconds)


def test_dynamodb_is_tried_three_times_when_there_is_time(throttled, monkeypatch):
    pause_for(monkeypatch, 0.01)
    throttled.error, throttled.status = "InternalServerError", 500
    with pytest.raises(StoreError, match="InternalServerError"):
        throttled.get_asset("a", "b", due_in(60))
    assert len(throttled.attempts) == 3


def test_no_pause_of_dynamodbs_client_goes_beyond_the_deadline(throttled, monkeypatch):
    pause_for(monkeypatch, 0.9)
    throttled.error, throttled.status = "InternalServerError", 500
    with pytest.raises(StoreError, match="InternalServerError"):
        throttled.get_asset("a", "b", due_in(0.5))
    # The time was not up when the error came, and would have been after the pause.
    assert throttled.attempts == [True]


def test_waiting_for_leave_to_send_ends_at_the_deadline(throttled, monkeypatch):
    pause_for(monkeypatch, 0.001)
    # Throttled once, the client sends no more than about one request in two seconds.
    assert any(isinstance(failure(throttled), DeadlineError) for _ in range(10))
    assert all(throttled.attempts)


def failure(store):
    with pytest.raises((StoreError, DeadlineError)) as caught:
        store.get_asset("a", "b", due_in(0.05))
    return caught.value


class Clock:
    """Time that only pauses and work move."""

    def __init__(self, monkeypatch):
        self.now_s, self.pauses = 0.0, []
        monkeypatch.setattr("targets.asset_core.stores.graph_retries.time.monotonic", lambda: self.now_s)

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now_s += seconds


class Failing:
    """Work that takes some time and fails a number of times."""

    def __init__(self, clock, times, takes_s=0.0, error=None):
        self.clock, self.times, self.takes_s = clock, times, takes_s
        self.error = error or ServiceUnavailable("away")
        self.calls = 0

    def __call__(self):
        self.calls += 1
        self.clock.now_s += self.takes_s
        if self.calls <= self.times:
            raise self.error
        return "done"


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def run(clock, work, limit_s, due_s, rng=random.uniform, **more):
    scope = Scope(due_s, Tally(), lambda: clock.now_s)
    return with_retries(work, limit_s, scope, sleep=clock.sleep, rng=rng, **more)


def test_what_may_pass_is_tried_again_with_growing_pauses(clock):
    work = Failing(clock, 4)
    drawn = []
    assert run(clock, work, 5.0, 25.0, rng=lambda *bounds: drawn.append(bounds) or bounds[1]) == "done"
    assert clock.pauses == [0.1, 0.2, 0.4, 0.8]
    # Half of each pause is left to chance, so that callers do not come back together.
    assert drawn == [(pause / 2, pause) for pause in clock.pauses]


def test_what_may_have_been_committed_is_done_again(clock):
    assert run(clock, Failing(clock, 2, error=IncompleteCommit("cut")), 5.0, 25.0) == "done"


def test_a_node_that_another_writer_has_just_made_is_merged_by_the_next_attempt(clock):
    failing = Failing(clock, 1, error=ConstraintError("it is there"))
    assert run(clock, failing, 5.0, 25.0, merges=True) == "done"
    with pytest.raises(ConstraintError):
        run(clock, Failing(clock, 1, error=ConstraintError("it is there")), 5.0, 25.0)


def test_what_cannot_pass_is_raised_at_once(clock):
    work = Failing(clock, 1, error=ClientError("no such thing"))
    with pytest.raises(ClientError):
        run(clock, work, 5.0, 25.0)
    assert (work.calls, clock.pauses) == (1, [])


@pytest.mark.parametrize(("retry_s", "more"), [(0.0, False), (2.0, True)])
def test_the_graph_is_tried_again_for_as_long_as_its_limits_say(retry_s, more):
    limits = dataclasses.replace(LAMBDA.graph, retry_s=retry_s)
    graph = BoltGraph(StoreSettings("t", "bolt://127.0.0.1:1", "u", "p", "", 0), limits, pooling=True)
    attempts, execute = [], graph._execute
    graph._execute = lambda *words, **options: (attempts.append(1), execute(*words, **options))[1]
    with pytest.raises(StoreError, match="ServiceUnavailable"):
        graph.ping(due_in(60))
    graph.close()
    assert (len(attempts) > 1) == more


@given(st.floats(0, 10), st.floats(0, 10), st.floats(0, 2), st.integers(0, 9))
def test_no_pause_ends_after_the_limit_or_the_deadline(limit_s, due_s, takes_s, seed):
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock(patch)
        ends = []
        original = clock.sleep

        def sleep(seconds):
            original(seconds)
            ends.append(clock.now_s)

        clock.sleep = sleep
        work = Failing(clock, 1_000, takes_s)
        with pytest.raises(ServiceUnavailable):
            run(clock, work, limit_s, due_s, random.Random(seed).uniform)
        assert all(end <= limit_s + 1e-9 and end <= due_s for end in ends)
        assert work.calls == len(ends) + 1
