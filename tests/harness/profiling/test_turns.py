"""Rounds of profiles: the order of the sides, and when no further round begins."""

from harness.profiling.turns import Turns


def test_every_round_has_every_side_once_and_the_order_follows_from_the_seed():
    turns, again = Turns("ab", 7), Turns("ab", 7)
    orders = [turns.order() for _ in turns.rounds(50)]
    assert orders == [again.order() for _ in again.rounds(50)]
    assert {tuple(order) for order in orders} == {("a", "b"), ("b", "a")}


def test_no_round_begins_that_would_end_too_late():
    now_s = 0.0
    numbers = []
    turns = Turns("ab", 1, clock=lambda: now_s)
    for number in turns.rounds(10, most_s=100.0):
        numbers.append(number)
        now_s += 30.0
    assert numbers == [1, 2, 3], "the fourth would end at 120 s"
