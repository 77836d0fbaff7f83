"""When an anchor is due: a wide interval, a broken chain, or many steps; never for counts."""

from harness.history.courses import Around, build
from harness.history.due import reason
from harness.history.ledger import Ledger
from harness.policy.history import HistoryRules
from tests.support.ledgers import anchor, entry, exact


def due(*lines):
    return reason(build(Ledger(lines), Around(HistoryRules())))


def test_a_short_sure_chain_needs_no_anchor():
    assert due(entry(1, 0.0), entry(2, 0.0)) == ""
    assert due(*(exact(number, 4, 4) for number in range(1, 40))) == ""


def test_a_wide_interval_a_gap_and_many_steps_need_one():
    assert "known to ±" in due(*(entry(number, 0.0, spread=0.04) for number in range(1, 5)))
    assert "not tied" in due(entry(1, 0.0), entry(5, 0.0))
    many = [entry(number, 0.0, spread=0.002) for number in range(1, 26)]
    assert due(*many) == "25 states were chained since the last one"
    assert due(*many, anchor(20, 0.0, spread=0.002)) == ""
