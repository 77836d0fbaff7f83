"""Which pairs are counted, and the records of them: the pairs themselves are played."""

import types

import pytest

from harness.instructions import suite
from harness.instructions.pair import Outcome
from harness.instructions.suite import UNNAMED, count_suite
from harness.session.receipt import State
from harness.session.slots.sizing import Found


class Played:
    """Outcomes of pairs by benchmark, the same for each, and the list of what was asked."""

    def __init__(self, **outcomes):
        self.outcomes = outcomes
        self.pairs = []
        self.named = []

    def __call__(self, stage, amounts, use, seed, options=()):
        if options:
            self.named.append(list(amounts))
            return {
                name: Outcome({"base": {"f (a.py)": 1.0}, "candidate": {"f (a.py)": 2.0}}) for name in amounts
            }
        self.pairs.append((list(amounts), seed))
        return {name: self.outcomes[name] for name in amounts}


STAGE = types.SimpleNamespace(code_of=lambda _side: ["/overlay"])


def counted(base, candidate, unseen=""):
    return Outcome(
        {"base": {"count": base, "unseen": ""}, "candidate": {"count": candidate, "unseen": unseen}}
    )


@pytest.fixture
def count(monkeypatch):
    def play(played, *found, **more):
        monkeypatch.setattr(suite, "run_pairs", played)
        marks = [Found(name, "f", State.BOTH, 1e5, 1e5, 1e5) for name in played.outcomes]
        return {one.benchmark: one for one in count_suite(STAGE, [*marks, *found], 1, **more)}

    return play


def test_three_pairs_suffice_where_the_sides_agree_and_six_layouts_are_seen_where_they_do_not(count):
    played = Played(same=counted(1e6, 1e6), more=counted(1e6, 1.005e6))
    counts = count(played)
    assert [names for names, _ in played.pairs] == [["same", "more"]] * 3 + [["more"]] * 3
    assert len({seed for _, seed in played.pairs}) == 6
    assert counts["same"].base == counts["same"].candidate == [1e6] * 3
    assert counts["more"].candidate == [1.005e6] * 6
    assert played.named == [["more"]]
    assert (counts["more"].base_sites, counts["more"].candidate_sites) == (
        {"f (a.py)": 1.0},
        {"f (a.py)": 2.0},
    )
    assert counts["same"].base_sites == {}


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Outcome(trouble="The base's slot ended"), "The base's slot ended"),
        (counted(1.0, 1.0, "other threads worked"), "candidate: other threads worked"),
        (counted(1.0, -5.0), "candidate: its count differs more"),
    ],
)
def test_what_could_not_be_counted_once_is_not_counted_again_and_has_no_figure(count, outcome, why):
    played = Played(bad=outcome, good=counted(1.0, 1.0))
    counts = count(played)
    assert why in counts["bad"].unseen
    assert counts["bad"].base == counts["bad"].candidate == []
    assert [names for names, _ in played.pairs] == [["bad", "good"], ["good"], ["good"]]


def test_a_call_that_is_too_long_is_not_begun_and_what_one_side_lacks_is_left_out(count):
    long = Found("long", "f", State.BOTH, 1e10, 1e10, 1e10)
    new = Found("new", "f", State.NEW, None, 1e5, 1e5)
    counts = count(Played(), long, new)
    assert list(counts) == ["long"]
    assert "takes 10 s" in counts["long"].unseen


def test_without_time_the_first_three_pairs_are_all(count):
    played = Played(more=counted(1e6, 1.005e6))
    assert len(count(played, has_time=lambda: False)["more"].base) == 3
    assert played.named == []


def test_functions_that_this_python_cannot_name_are_said(count, monkeypatch):
    played = Played(more=counted(1e6, 1.005e6))
    monkeypatch.setattr(
        Played, "__call__",
        lambda self, stage, amounts, use, seed, options=(): {
            name: Outcome({"base": {}, "candidate": {}}) if options else self.outcomes[name] for name in amounts
        },
    )  # fmt: skip
    assert count(played)["more"].note == UNNAMED
