"""What a report says of how far a session can be trusted."""

import pytest

from harness.session.receipt import Rule, SessionPlan
from reports.session.model import Links
from reports.session.view import build
from tests.support import judgement_builder as built


def shown(judgement, **more):
    return build(judgement, more.pop("receipt", None) or built.receipt(), Links(), **more)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule.SEQUENTIAL, "Intervals hold at every look at the data (each end 95 %), and so does p."),
        (Rule.FIXED, "signed-rank"),
    ],
)
def test_the_rule_of_the_session_and_who_decides_are_said_in_a_sentence(rule, words):
    receipt = built.receipt(plan=SessionPlan(rule=rule))
    trust = " ".join(shown(built.judgement(built.paired("a")), receipt=receipt).trust)
    assert words in trust
    assert "wall (the usual call) decides" in trust
    assert "are only watched" in trust


def test_the_session_says_what_it_can_and_cannot_find():
    words = " ".join(shown(built.regressed_session()).trust)
    assert "Minimum detectable effect (80 % power): 3.1 %" in words
    assert "Rare calls that wait show in wall_mean alone" in words
    assert "this session had no load suite" in words
    assert "the harness took 1m23s beside it (94%)" in words


def test_a_dirty_control_is_the_first_word_on_trust():
    dirty = built.controls(
        null_clean=False, null_p=0.001, bad_blocks=0.25, reasons=("The null control moved",)
    )
    trust = shown(built.judgement(built.paired("a"), controls=dirty)).trust
    assert trust[0] == "The null control moved."
    assert "do not trust the times" in trust[1]
    assert "25.0 % of the blocks were discarded blind" in trust[2]


def test_a_session_without_a_null_control_does_not_claim_one():
    none = built.controls(null_clean=False, null_change=None, null_p=None, null_changes=())
    trust = shown(built.judgement(built.paired("a"), controls=none)).trust
    assert any("No A/A check" in words for words in trust)
