"""The words of a history: the answer, what it cannot say, and what to do next."""

from harness.history.courses import Around, build
from harness.history.ledger import Ledger
from harness.policy.history import HistoryRules
from reports.history import view
from tests.support.ledgers import anchor, commit, entry, exact


def shown(*lines, due="", **rules):
    return view.build(build(Ledger(lines), Around(HistoryRules(**rules), folder="ledger")), due)


def test_growth_is_told_with_its_interval_and_its_next_step_is_the_search():
    made = shown(*(entry(number, 0.03) for number in range(1, 5)))
    assert made.sentence.startswith("test_a.py::a wall grew by 12.7 % (11.")
    assert made.sentence.endswith("more than the allowed 5.0 %.")
    assert made.next_command.command == (
        f"harness bisect {commit(0)[:12]} {commit(4)[:12]} --benchmark test_a.py::a"
    )
    (course,) = made.courses
    assert course.points == ("4 steps for the worse that no gate reported, the largest +3.0 %",)


def test_less_of_a_rate_is_worse():
    made = shown(*(entry(number, -0.03, metric="throughput", unit="1/s") for number in range(1, 5)))
    assert "throughput lost 12.7 %" in made.sentence.replace(" by", "")
    assert made.status == "bad"


def test_nothing_and_little_are_said_as_that():
    assert shown().sentence == "The ledger holds no effect: nothing was compared yet."
    made = shown(entry(1, 0.001), exact(1, 4, 4))
    assert made.sentence.startswith(
        "No course grew for certain by more than the allowed 5.0 %; the largest change: "
    )
    assert made.next_command.command == "harness history check"


def test_what_is_not_tied_is_named_with_the_reason():
    made = shown(entry(1, 0.0), entry(5, 0.0))
    (course,) = made.courses
    assert course.word == "not tied"
    assert course.points[0].startswith(f"2 states up to {commit(5)[:12]} are not tied to the start")
    assert made.sentence == "Nothing can be said: no course is tied to its start."


def test_a_due_anchor_is_the_next_step():
    made = shown(anchor(2, 0.0), due="An anchor is due: it is old. Make it with: harness history anchor v1")
    assert made.next_command.command == "harness history anchor v1"
    assert made.reasons[-1].startswith("An anchor is due")
