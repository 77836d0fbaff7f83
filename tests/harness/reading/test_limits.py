"""Limits counted call by call on tables made by hand, and certified from segments taken together."""

import msgspec
import numpy as np
import pytest

from harness.errors import InvalidRunError, UsageError
from harness.judge.certified import certify_segments
from harness.model import Outcome
from harness.policy.policy import Limit
from harness.policy.slo import State
from harness.reading import limits
from harness.reading.counting import ALL
from harness.reading.judging import findings, judge
from harness.reading.limits import (
    check_operations,
    limit_counts,
    read_limit,
    stored_limits,
)
from harness.reading.summary import load
from harness.session.receipt import LoadBlock, LoadConditions, Phase, Segment
from harness.table import calls
from tests.support.limit_counts import limit_count
from tests.support.load_session import receipt_of
from tests.support.run_builder import make_run

MS = 1_000_000
OPERATIONS = ("read", "write")


@pytest.fixture
def path(tmp_path):
    return make_run(tmp_path, operations={"read": 0.5, "write": 0.5}, rate_per_s=100.0, duration_s=4.0)


def rewritten(path, change):
    """Return the run after `change` had its way with the measured rows."""
    file = path / "timing" / "calls.npy"
    table = np.array(calls.load(file))
    measured = table[table["intended_ns"] >= 0]
    measured["operation"] = np.arange(len(measured)) % 2
    measured["dispatched_ns"] = measured["entered_ns"] = measured["intended_ns"]
    measured["completed_ns"] = measured["intended_ns"] + MS
    measured["run_ns"] = measured["wait_busy_ns"] = 0
    change(measured)
    table[table["intended_ns"] >= 0] = measured
    calls.write_table(file, table)
    return load(path)


def counted(run, text):
    return [
        (count.operation, count.calls, count.exceeding) for count in limit_counts(run, [read_limit(text)])
    ]


def test_a_call_at_the_limit_keeps_it_and_one_nanosecond_more_does_not(path):
    def change(rows):
        rows["completed_ns"][:10] = rows["intended_ns"][:10] + 5 * MS
        rows["completed_ns"][10:17] = rows["intended_ns"][10:17] + 5 * MS + 1

    assert counted(rewritten(path, change), "p99<5ms") == [(ALL, 400, 7)]


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.COMPLETED])
def test_a_call_that_did_not_complete_breaks_every_clause_however_fast_it_was(path, outcome):
    def change(rows):
        rows["outcome"][:3] = outcome

    run = rewritten(path, change)
    assert counted(run, "p50<1m,errors<1%,throughput>1/s") == [(ALL, 400, 3)] * 3


def test_a_limit_of_one_operation_counts_its_calls_alone(path):
    def change(rows):
        rows["completed_ns"][rows["operation"] == 1] += 9 * MS

    run = rewritten(path, change)
    assert counted(run, "write: p99<5ms") == [("write", 200, 200)]
    assert counted(run, "read: p99<5ms") == [("read", 200, 0)]
    assert counted(run, "*e*: p99<5ms") == [("read", 200, 0), ("write", 200, 200)]


def test_a_limit_of_one_stage_counts_its_calls_and_its_seconds(tmp_path):
    stages = (("low", 1.0, 1.0, 1.0), ("high", 1.0, 2.0, 2.0))
    made = make_run(tmp_path, operations={"read": 1.0}, rate_per_s=100.0, duration_s=4.0, stages=stages)
    (count,) = limit_counts(load(made), [Limit(slo="throughput>150/s", stage="high")])
    assert (count.calls, count.exceeding, count.seconds) == (400, 0, 2.0)
    assert limit_counts(load(made), [Limit(slo="p99<5ms", stage="none such")])[0].calls == 0


def test_a_limit_for_another_scenario_does_not_hold_here(path):
    made = rewritten(path, lambda rows: None)
    held = [Limit(slo="p99<5ms", scenario=name) for name in (made.document.scenario, "another")]
    assert len(limit_counts(made, held)) == 1


def test_colons_in_the_name_of_an_operation_are_part_of_it():
    assert read_limit("urn:read: p99<5ms") == Limit(slo="p99<5ms", operation="urn:read")
    assert read_limit("p99<5ms,errors<1%") == Limit(slo="p99<5ms,errors<1%", operation="*")
    for text in ("", "p99", ": p99<5ms", "read:", "read: fast"):
        with pytest.raises(UsageError):
            read_limit(text)


def test_a_limit_for_an_operation_that_is_not_there_is_refused():
    check_operations(
        [read_limit("p99<5ms"), read_limit("read: p99<5ms"), read_limit("wr*: p99<5ms")], OPERATIONS
    )
    with pytest.raises(UsageError, match=r"'raed'.*It has: read, write"):
        check_operations([read_limit("raed: p99<5ms")], OPERATIONS)


def test_limits_that_cannot_be_read_any_more_are_damage():
    with pytest.raises(InvalidRunError, match="damaged"):
        stored_limits(["p99<"])


def state_of(run, text="p50<5ms"):
    (finding,) = findings(judge(run), [read_limit(text)])
    return finding.certificate.state


def test_counts_of_a_whole_run_certify_or_break_a_limit(path):
    run = rewritten(path, lambda rows: None)
    assert state_of(run) is State.CERTIFIED
    assert state_of(run, "p50<0.5ms") is State.BROKEN
    assert state_of(run, "p99.9<5ms") is State.NOT_CERTIFIED


def test_an_invalid_run_neither_certifies_nor_breaks_anything(path):
    def change(rows):
        rows["entered_ns"][0] = rows["dispatched_ns"][0] - 1

    run = rewritten(path, change)
    for text in ("p50<5ms", "p50<0.5ms"):
        (finding,) = findings(judge(run), [read_limit(text)])
        assert finding.certificate.state is State.NOT_CERTIFIED
        assert "invalid" in finding.certificate.sentence
        assert finding.certificate.more is None


def test_a_run_that_was_interrupted_decides_nothing(tmp_path):
    made = load(make_run(tmp_path, operations={"read": 1.0}, interrupted=True))
    (finding,) = findings(judge(made), [read_limit("p50<1ns")])
    assert finding.certificate.state is State.NOT_CERTIFIED
    assert "interrupted" in finding.certificate.sentence


def segment(exceeding, *, clause="p99<5ms", operation=ALL, total=2000):
    count = limit_count(total, exceeding, clause=clause, operation=operation)
    return Segment(values={}, counts={}, validity="valid", limits=[count])


def session(*candidates, trouble=()):
    receipt = receipt_of()
    receipt.load = LoadConditions(
        scenario="short", executor="open", rate_per_s=200, users=1, duration_s=1, warmup_s=0
    )
    receipt.load_blocks = [
        LoadBlock(
            number=number, phase=Phase.SCREEN, seed=1, order=[], candidate=candidate, base=segment(200),
            trouble="bad" if number in trouble else None,
        )
        for number, candidate in enumerate(candidates)
    ]  # fmt: skip
    return receipt


def certified(receipt, *held):
    return [
        (finding.operation, str(finding.certificate.state), finding.certificate.calls)
        for finding in certify_segments(receipt, held)
    ]


def test_segments_of_the_candidate_certify_together_what_none_of_them_could_alone():
    held = Limit(slo="p99<5ms")
    assert certified(session(segment(0)), held) == [(ALL, "not certified", 2000)]
    assert certified(session(segment(0), segment(0)), held) == [(ALL, "certified", 4000)]
    for made in (session(segment(100), segment(0)), session(segment(0), segment(100))):
        assert certified(made, held) == [(ALL, "broken", 4000)]


def test_blocks_with_trouble_and_sides_that_are_missing_count_nothing():
    held = Limit(slo="p99<5ms")
    made = session(segment(0), segment(200), None, segment(0), trouble=(1,))
    assert certified(made, held) == [(ALL, "certified", 4000)]


def test_a_clause_that_no_segment_counted_is_not_certified():
    made = session(segment(0), segment(0))
    assert certified(made, Limit(slo="p95<5ms"), Limit(slo="p99<5ms", operation="write")) == [
        (ALL, "not certified", 0),
        ("write", "not certified", 0),
    ]
    assert certified(session(), Limit(slo="p99<5ms")) == [(ALL, "not certified", 0)]


def test_a_glob_stands_for_each_operation_that_it_names():
    made = session(
        *(segment(bad, operation=name) for name, bad in (("GET a", 0), ("GET b", 200), ("PUT", 0)))
    )
    assert certified(made, Limit(slo="p99<5ms", operation="GET *")) == [
        ("GET a", "not certified", 2000),
        ("GET b", "broken", 2000),
    ]


def test_a_limit_for_another_scenario_is_none_of_this_session():
    made = session(segment(0))
    assert certified(made, Limit(slo="p99<5ms", scenario="another")) == []
    assert len(certified(made, Limit(slo="p99<5ms", scenario="short"))) == 1


def test_a_receipt_keeps_what_limits_need():
    made = session(segment(3))
    again = msgspec.json.decode(msgspec.json.encode(made), type=type(made))
    assert certify_segments(again, [Limit(slo="p99<5ms")]) == certify_segments(made, [Limit(slo="p99<5ms")])


def test_json_of_a_finding_names_state_and_counts():
    (finding,) = certify_segments(session(segment(3)), [Limit(slo="p99<5ms")])
    written = limits.as_json(finding)
    assert written["slo"] == "p99<5ms"
    assert (written["state"], written["calls"], written["exceeding"]) == ("not certified", 2000, 3)
