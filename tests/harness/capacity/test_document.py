"""The answer of a search, from its file: never a pass without a certified rate."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capacity.document import CapacityDocument, Ended, answer, as_json
from harness.capacity.seen import Sight
from harness.capacity.sizing import calls_needed, probe_s, search_s
from harness.errors import ExitCode
from harness.policy.thresholds import Level
from harness.reading.limits import read_limit
from tests.support.capacity_builder import counted, document, probe

SETTLED = [probe(100, "held"), probe(110, "broke"), probe(110, "broke"), probe(100, "held")]


def test_an_interval_with_both_ends_seen_twice_is_valid_and_a_success():
    told = answer(document(SETTLED))
    assert (told.level, told.code, told.reasons) == (Level.VALID, ExitCode.OK, ())
    assert (told.found.held_per_s, told.found.broke_per_s) == (100, 110)


COUNTED = [counted(rate, round(100 * (rate / 100) ** 8)) for rate in (50, 80, 95, 105, 120, 150)]


def test_counts_on_both_sides_give_a_capacity_with_its_interval_although_no_rate_was_certified():
    told = answer(document(COUNTED))
    assert (told.level, told.code, told.reasons) == (Level.VALID, ExitCode.OK, ())
    assert told.capacity.low_per_s < 100 < told.capacity.high_per_s
    written = as_json(document(COUNTED), "dir", None)["capacity"]
    assert (written["per_s"], written["low_per_s"], written["high_per_s"]) == (
        told.capacity.per_s, told.capacity.low_per_s, told.capacity.high_per_s,
    )  # fmt: skip
    assert (written["confidence"], written["held_per_s"], written["broke_per_s"]) == (0.9, None, None)


def test_an_estimate_is_only_as_good_as_the_probes_near_it():
    degraded = [msgspec.structs.replace(one, validity=Level.DEGRADED, reasons=["busy"]) for one in COUNTED]
    told = answer(document(degraded))
    assert (told.level, told.code) == (Level.DEGRADED, ExitCode.OK)
    assert "Every probe near the capacity was degraded: busy" in told.reasons


def test_an_interval_without_a_lower_end_is_no_answer():
    told = answer(document([counted(99, 1, calls=110), counted(101, 2, calls=110)]))
    assert told.capacity.low_per_s is None
    assert (told.level, told.code) == (Level.INVALID, ExitCode.INVALID)
    assert any("no lower bound" in reason for reason in told.reasons)


@pytest.mark.parametrize(
    ("probes", "ended", "why"),
    [
        (SETTLED[:2], Ended.BUDGET, "budget was used up"),
        (SETTLED[:2], Ended.SETTLED, "holds at 100/s was seen only once".replace("holds", "held")),
        ([probe(100, "held")] * 2, Ended.SETTLED, "no upper end"),
        ([*[probe(100, "held")] * 2, *[probe(200, "invalid")] * 3], Ended.SETTLED, "At 200/s no probe was valid"),
        (SETTLED, None, "cut off"),
        ([probe(100, "held", Level.DEGRADED)] * 2 + SETTLED[1:3], Ended.SETTLED, "held at 100/s was degraded"),
    ],
)  # fmt: skip
def test_what_is_missing_degrades_the_answer_and_is_said(probes, ended, why):
    told = answer(document(probes, ended))
    assert (told.level, told.code) == (Level.DEGRADED, ExitCode.OK)
    assert any(why in reason for reason in told.reasons)


@pytest.mark.parametrize(
    "damage",
    [
        {"share": 0.0}, {"share": 1.0}, {"share": -1.0}, {"exceeding": -1}, {"exceeding": 10**6}, {"calls": 0},
        {"variance": -1.0}, {"slow_effect": float("inf")},
    ],
)  # fmt: skip
def test_impossible_counts_are_no_evidence(damage):
    damaged = [
        msgspec.structs.replace(one, limits=[msgspec.structs.replace(one.limits[0], **damage)])
        for one in COUNTED
    ]
    assert answer(document(damaged)).capacity is None
    assert answer(document([*COUNTED, damaged[0]])).capacity == answer(document(COUNTED)).capacity


@pytest.mark.parametrize(
    ("probes", "ended", "code"),
    [
        ([probe(5, "broke")] * 2, Ended.SETTLED, ExitCode.LIMIT_BROKEN),
        ([probe(50, "broke")], Ended.BUDGET, ExitCode.INVALID),
        ([probe(5, "invalid")] * 3, Ended.SETTLED, ExitCode.INVALID),
        ([probe(5, "not settled")], Ended.BUDGET, ExitCode.INVALID),
        ([], None, ExitCode.INVALID),
        (SETTLED, Ended.INTERRUPTED, ExitCode.INTERRUPTED),
        (SETTLED, Ended.FAILED, ExitCode.FAILED),
    ],
)
def test_exit_codes(probes, ended, code):
    assert answer(document(probes, ended)).code is code


@given(
    st.lists(st.tuples(st.sampled_from([5, 10, 20, 40]), st.sampled_from(list(Sight)), st.sampled_from(list(Level)))),
    st.sampled_from([None, *Ended]),
)  # fmt: skip
def test_every_search_has_an_answer_that_survives_its_file(found, ended):
    made = document([probe(*one) for one in found], ended)
    again = msgspec.json.decode(msgspec.json.encode(made), type=CapacityDocument)
    told = answer(again)
    assert told == answer(made)
    assert told.code is not ExitCode.OK or told.found.held_per_s is not None or told.capacity is not None
    assert as_json(again, "dir", None)["exit_code"] == told.code


def test_a_probe_has_so_many_calls_that_ten_may_break_each_limit():
    calls = calls_needed([read_limit("p99<25ms,errors<5%")])
    assert calls == 1000
    assert calls_needed([read_limit("p99.9<1s,errors<1%")]) == 10_000
    assert probe_s(10.0, calls, 1.0, 1e9) * 10 >= calls


def test_a_probe_is_as_long_as_asked_but_no_large_part_of_the_budget():
    assert probe_s(1000.0, 300, 10.0, 600.0) == 10.0
    assert probe_s(1.0, 300, 10.0, 600.0) == 90.0
    assert calls_needed([read_limit("throughput>5/s")]) == 1
    assert search_s(20, 2) > search_s(10, 2)
