"""The order of commits and the identity of states, whatever the order of the lines."""

import random

import msgspec

from harness.history.order import States, in_order, ordered_commits
from tests.support.ledgers import commit, entry, state


def test_commits_come_in_the_order_of_their_times_whatever_the_order_of_the_lines():
    lines = [entry(number, 0.0) for number in range(1, 9)]
    random.Random(2).shuffle(lines)
    assert ordered_commits(lines) == [commit(number) for number in range(9)]


def test_without_times_a_base_comes_before_its_candidate():
    names = dict.fromkeys("dbca", "")
    assert in_order(names, [("a", "b"), ("b", "c"), ("c", "d")]) == ["a", "b", "c", "d"]


def test_a_comparison_made_backwards_and_a_circle_change_nothing():
    assert in_order({"a": "1", "b": "2"}, [("b", "a")]) == ["a", "b"]
    assert in_order({"a": "1", "b": "1", "c": "1"}, [("a", "b"), ("b", "c"), ("c", "a")]) == ["a", "b", "c"]


def test_commits_with_the_same_code_are_one_state():
    lines = [
        entry(1, 0.0, candidate=state(1, "x")), msgspec.structs.replace(entry(5, 0.0), base=state(4, "x")),
    ]  # fmt: skip
    known = States(lines)
    assert known.of_commit(commit(1)) == known.of_commit(commit(4))
    assert known.find(state(9, "x")) == known.of_commit(commit(1))
    assert known.find(state(9)) is None
