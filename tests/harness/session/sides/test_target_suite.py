"""The micro suite of a target: events as they were made, and no time for an operation that fails."""

import contextlib
import dataclasses
import importlib.util
import inspect
import json
import sys
from pathlib import Path

import pytest

from harness.errors import RefusedError
from harness.session.sides import prepare
from harness.target.journeys import Journey, Step

SUITE = Path(prepare.__file__).with_name("target_suite.py")
TARGET = """
import itertools


class create:
    operations = {"reads": 1, "pops": 1, "drains": 1, "fails": 1, "turns": 1}

    def __init__(self):
        self.count = itertools.count()

    def make_event(self, operation, rng):
        return iter([1]) if operation == "drains" else {"operation": operation, "body": [1]}

    def call(self, event):
        if not isinstance(event, dict):
            return next(event)
        # Four events come twice before the clock runs.
        late = event["operation"] == "turns" and next(self.count) >= 8
        if event["operation"] == "pops" or late:
            event["body"].pop()
        return {"statusCode": 503 if event["operation"] == "fails" else 200}
"""


NOTING = """
class create:
    operations = {"notes": 1}

    def __init__(self):
        self.heard = []

    def make_event(self, operation, rng):
        return rng.random()

    def call(self, event):
        self.heard.append(event)
"""


class Benchmark:
    """What a slot's fixture does, a few times."""

    def __init__(self, calls=9):
        self.modes = []
        self.calls = calls
        self.seed = 1
        self.counted_calls = 0

    def rewind(self):
        """Replaced by the suite."""

    def __call__(self, function):
        self.modes.append("in a row")
        self.rewind()
        return [self.value(function()) for _ in range(self.calls)][-1]

    def counted(self, function):
        def call(event):
            self.counted_calls += 1
            return function(event)

        return call

    def value(self, answer):
        return self.loop.run(answer) if inspect.iscoroutine(answer) else answer

    def pedantic(self, target, setup, teardown):
        self.modes.append("one by one")
        self.rewind()
        for _ in range(self.calls):
            args, kwargs = setup()
            answer = self.value(target(*args, **kwargs))
            teardown(*args, **kwargs)
        return answer


ASYNC = (
    TARGET.replace("def make_event", "async def make_event")
    .replace("def call", "async def call")
    .replace("import itertools", "import asyncio, itertools")
    .replace(
        "    def __init__",
        "    async def open(self):\n        self.loop = asyncio.get_running_loop()\n    def __init__",
    )
    .replace(
        "        if not",
        "        assert asyncio.get_running_loop() is self.loop\n        await asyncio.sleep(0)\n        if not",
    )
)


@contextlib.contextmanager
def loaded(target, tmp_path, monkeypatch, request):
    request.config.addinivalue_line("markers", "named_by(parameter): as a slot declares it")
    path = tmp_path / "own.py"
    path.write_text(target)
    monkeypatch.setenv("HARNESS_SLOT_TARGET", json.dumps({"factory": f"{path}:create", "parameters": {}}))
    monkeypatch.setenv("HARNESS_SLOT_EVENTS", "4")
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec = importlib.util.spec_from_file_location("_suite_of_a_target", SUITE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.TARGET.open()
    yield module
    module.TARGET.close()


@pytest.fixture(params=[TARGET, ASYNC], ids=["plain", "async"])
def suite(tmp_path, monkeypatch, request):
    with loaded(request.param, tmp_path, monkeypatch, request) as module:
        yield module


@pytest.fixture
def notes(tmp_path, monkeypatch, request):
    with loaded(NOTING, tmp_path, monkeypatch, request) as module:
        yield module


def events_of(notes, seed):
    """Return the events of all calls with this seed, and the number of those counted before the clock runs."""
    heard, benchmark = notes.TARGET.call.__self__.heard, Benchmark()
    benchmark.seed = seed
    heard.clear()
    notes.test_call(notes.TARGET, "notes", benchmark)
    return list(heard), benchmark.counted_calls


def test_the_events_differ_from_block_to_block_and_are_the_same_for_all_slots_of_a_block(notes):
    first, again, other = (events_of(notes, seed)[0] for seed in (11, 11, 12))
    assert first == again
    assert not set(first) & set(other)


def test_each_series_begins_with_the_first_event(notes):
    events, _ = events_of(notes, 11)
    pool = events[:4]
    assert events == pool * 2 + [pool[number % 4] for number in range(9)]


def test_the_very_first_call_of_an_operation_is_counted_as_such(notes):
    events, counted = events_of(notes, 11)
    assert counted == len(events) - 9, "all but the timed ones, which the slot counts"


@pytest.mark.parametrize(
    ("operation", "mode"), [("reads", "in a row"), ("pops", "one by one"), ("drains", "one by one")]
)
def test_each_call_of_a_benchmark_gets_its_event_as_it_was_made(suite, operation, mode):
    benchmark = Benchmark()
    suite.test_call(suite.TARGET, operation, benchmark)
    assert benchmark.modes == [mode]


def test_an_operation_that_answers_with_a_failure_is_not_timed(suite):
    benchmark = Benchmark()
    with pytest.raises(AssertionError, match="the call failed: answered 503"):
        suite.test_call(suite.TARGET, "fails", benchmark)
    assert benchmark.modes == []


def test_calls_that_begin_to_change_their_events_on_the_way_are_not_the_same_work(suite):
    # As many calls as there are events: a second pop would fail by itself.
    with pytest.raises(AssertionError, match="changed their events after some time"):
        suite.test_call(suite.TARGET, "turns", Benchmark(calls=4))


@pytest.mark.parametrize("journey", [Journey((Step("reads"),)), Journey(make_user=lambda rng: [])])
def test_an_operation_of_users_is_refused_because_a_benchmark_has_none(suite, journey):
    target = dataclasses.replace(suite.TARGET, journey=journey)
    with pytest.raises(RefusedError, match="--suite load or --suite exact"):
        suite.test_call(target, "reads", Benchmark())
