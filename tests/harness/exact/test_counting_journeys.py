"""Exact counting of users on a journey: each step is counted, and no step without those before it."""

import pytest

from harness.exact.counting import count_once
from harness.exact.process import ExactPlan
from harness.exact.tracing import trace_once
from harness.processes.subject import Subject

TARGET = """
import collections

class create:
    operations = {"browse": 1, "login": 1, "buy": 1}
    journey = ["login", "browse", "browse", "buy"]

    def __init__(self):
        self.totals = collections.defaultdict(collections.Counter)

    def make_user(self, rng):
        return []

    def make_event(self, operation, rng):
        return operation

    def call(self, event, user):
        user.append(event)
        if user != self.journey[: len(user)]:
            raise RuntimeError(user)
        # The first browse asks twice, the second four times.
        asked = {1: 1, 2: 2, 3: 4, 4: 5}[len(user)]
        self.totals[event]["shop.queries"] += asked
        return len([bytearray(10) for _ in [None] * (100 * asked)])

    def counters(self):
        return {operation: dict(counts) for operation, counts in self.totals.items()}
"""
ASKED = {"login": 1, "browse": 3, "buy": 5}
PLAN = ExactPlan(requests=10)


@pytest.fixture
def subject(tmp_path):
    (tmp_path / "shop.py").write_text(TARGET)
    return Subject(f"{tmp_path}/shop.py:create", {})


def test_both_steps_of_an_operation_are_counted_and_none_fails(supervisor, subject, tmp_path):
    found = count_once(supervisor, subject, PLAN, tmp_path / "counts")
    assert {name: values["failures"].value for name, values in found.values.items()} == dict.fromkeys(
        ASKED, 0
    )
    asked = {
        name: value.value
        for name, values in found.values.items()
        for metric, value in values.items()
        if "queries" in metric
    }
    assert asked == ASKED


def test_allocations_of_a_step_are_those_of_its_calls_alone(supervisor, subject, tmp_path):
    found = trace_once(supervisor, subject, PLAN, tmp_path / "allocations")
    # Each bytearray is an object and its bytes.
    for name, asked in ASKED.items():
        values = found.values[name]
        assert values["failures"].value == 0
        assert 200 * asked <= values["allocations"].value <= 200 * asked + 40, name
