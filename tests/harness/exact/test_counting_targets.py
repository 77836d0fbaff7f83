"""Exact counting of a user's own target: what it counts is judged, what it cannot do is said, and nothing is raised."""

import pytest

from harness.exact.process import ExactPlan
from harness.exact.sides import Plans, SharedCounts, count_exactly, trace_exactly
from harness.processes.subject import Subject

PLAN = ExactPlan(requests=10, repetitions=1)
TWICE = ExactPlan(requests=10, repetitions=2)
TARGET = """
import collections, random, threading
class Target:
    operations = {"read": 3, "write": 1}
    def __init__(self, calls, fails):
        self.totals = collections.defaultdict(collections.Counter)
        self.calls, self.fails, self.turn = int(calls), int(fails), 0
    def make_event(self, operation, rng):
        return operation, rng.randrange(100)
    def call(self, event):
        self.totals[event[0]]["shop.queries"] += self.calls
        self.totals[event[0]]["shop.bytes_in"] += event[1]
        self.totals["background"]["shop.queries"] += random.randrange(100)
        self.turn += 1
        if self.fails and self.turn % self.fails == 0:
            raise ValueError("planned")
        return [bytearray(10) for _ in range(self.calls)]
    def counters(self):
        return self.totals
def create(calls="1", fails="0", made=""):
    if made:
        with open(made, "a") as file:
            file.write(calls)
    return Target(calls, fails)
class Later(Target):
    def call(self, event):
        threading.Timer(0.02, super().call, [event]).start()
class Silent:
    def call(self, event):
        return event
class Refusing(Silent):
    def __init__(self, made=""):
        self.made = made
    def call(self, event):
        if self.made:
            with open(self.made, "a") as file:
                file.write("called ")
    def outcome(self, result):
        return "failed"
def later():
    return Later("1", "0")
def silent():
    return Silent()
def refusing(made=""):
    return Refusing(made)
def broken():
    raise RuntimeError("no connection")
"""


@pytest.fixture
def subject(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(TARGET)
    return lambda factory="create", **parameters: Subject(f"{path}:{factory}", parameters)


def by_name(counts):
    return {(count.benchmark, count.metric): count for count in counts}


def test_what_a_target_counts_of_itself_is_exact_for_each_operation(supervisor, subject, tmp_path):
    counts = by_name(count_exactly(supervisor, subject(), subject(calls="2"), tmp_path, TWICE))
    queries = counts["write", "queries.shop"]
    assert (queries.base, queries.candidate, queries.requests) == ([1.0, 1.0], [2.0, 2.0], 10)
    # The same seed makes the same events on both sides.
    assert counts["read", "bytes_in.shop"].base == counts["read", "bytes_in.shop"].candidate
    assert {operation for operation, _ in counts} == {"read", "write"}


def test_requests_that_fail_are_counted(supervisor, subject, tmp_path):
    counts = by_name(count_exactly(supervisor, subject(), subject(fails="4"), tmp_path, PLAN))
    assert counts["read", "failures"].base == [0.0]
    failures = [counts[name, "failures"].candidate[0] for name in ("read", "write")]
    assert sum(failures) == pytest.approx(5 / 10)
    reasons = {site for name in ("read", "write") for site in counts[name, "failures"].candidate_sites}
    assert reasons == {"ValueError in Target.call (own.py)"}


def test_answers_that_the_target_judges_failed_are_counted_too(supervisor, subject, tmp_path):
    counts = by_name(trace_exactly(supervisor, subject("silent"), subject("refusing"), tmp_path, PLAN))
    count = counts["call", "failures"]
    assert (count.base, count.candidate) == ([0.0], [1.0])
    assert count.candidate_sites == {"answered with a failure": 1.0}


def test_work_that_a_request_leaves_to_a_thread_is_its_own_and_none_of_the_warm_up_s(
    supervisor, subject, tmp_path
):
    counts = by_name(count_exactly(supervisor, subject("later"), subject("later"), tmp_path, PLAN))
    assert counts["read", "queries.shop"].base == [1.0]


def test_a_target_that_counts_nothing_is_not_called_to_count_it(supervisor, subject, tmp_path):
    both = subject("refusing", made=str(tmp_path / "made")), subject("silent")
    assert count_exactly(supervisor, *both, tmp_path, PLAN) == []
    assert not (tmp_path / "made").exists()
    # Its failures come with its allocations.
    assert by_name(trace_exactly(supervisor, *both, tmp_path, PLAN))["call", "failures"].base == [1.0]
    assert (tmp_path / "made").read_text() == "called " * 20


def test_a_side_that_cannot_be_made_is_said_and_the_other_is_counted(supervisor, subject, tmp_path):
    counts = by_name(count_exactly(supervisor, subject("broken"), subject(), tmp_path, PLAN))
    queries = counts["read", "queries.shop"]
    assert (queries.base, queries.candidate) == ([], [1.0])
    assert "no connection" in queries.note


def test_allocations_of_each_operation_are_its_own(supervisor, subject, tmp_path):
    counts = by_name(trace_exactly(supervisor, subject(calls="10"), subject(calls="20"), tmp_path, TWICE))
    count = counts["read", "allocations"]
    assert len({*count.base}) == len({*count.candidate}) == 1
    # A bytearray is two allocations.
    assert count.candidate[0] - count.base[0] >= 20
    # Two for each, and a list that grows four times on its way to 20.
    assert 44 <= count.candidate_sites["Target.call.<locals>.<listcomp> (own.py)"] <= 45
    peak = counts["read", "peak_bytes"]
    assert peak.candidate[0] > peak.base[0] > 0


def test_what_many_are_compared_with_is_measured_once_and_counts_the_same(supervisor, subject, tmp_path):
    made = tmp_path / "made"
    one, two, three = (subject(calls=calls, made=str(made)) for calls in "123")
    shared = SharedCounts(supervisor, tmp_path / "shared", Plans(PLAN, PLAN))
    found = [by_name(shared.compare(one, other)) for other in (two, three, one)]
    assert sorted(made.read_text()) == list("112233")
    assert [each["read", "queries.shop"].base for each in found] == [[1.0]] * 3
    assert [each["read", "queries.shop"].candidate for each in found] == [[2.0], [3.0], [1.0]]
    allocations = [each["read", "allocations"].candidate[0] for each in found]
    assert allocations[2] < allocations[0] < allocations[1]
