"""Stages as they are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model import Scenario
from harness.plans.plan import spans
from harness.plans.stagetext import read_stages


def placed(text):
    rate_per_s, stages = read_stages(text)
    seconds = sum(stage.share for stage in stages if not stage.warmup)
    warmup_s = sum(stage.share for stage in stages if stage.warmup)
    plan = spans(Scenario("typed", "", stages=stages), rate_per_s, seconds, warmup_s)
    return [(s.label, s.start_s, s.end_s, s.start_rate_per_s, s.end_rate_per_s, s.warmup) for s in plan]


def test_a_ramp_begins_where_the_stage_before_it_ended():
    assert placed("10/s for 30s, ramp to 200/s in 1m, hold for 2m") == [
        ("10/s", 0.0, 30.0, 10.0, 10.0, False),
        ("10 to 200/s", 30.0, 90.0, 10.0, 200.0, False),
        ("200/s", 90.0, 210.0, 200.0, 200.0, False),
    ]


def test_a_first_ramp_begins_with_nothing_and_labels_and_warm_up_are_said():
    assert placed("fill: ramp to 50 in 5s warm-up, a b: 50 for 10s") == [
        ("fill", -5.0, 0.0, 0.0, 50.0, True),
        ("a b", 0.0, 10.0, 50.0, 50.0, False),
    ]


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(1, 100)), min_size=1, max_size=6))
def test_rates_and_times_come_out_as_they_were_typed(parts):
    text = ", ".join(f"{rate}/s for {seconds}s" for rate, seconds in parts)
    assert [(round(start, 9), round(end - begin, 9)) for _, begin, end, start, *_ in placed(text)] == parts


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "'' is not a stage"),
        ("10/s", "'10/s' is not a stage"),
        ("10/s for 30s,", "'' is not a stage"),
        ("10/s for ever", "'ever' is not a duration"),
        ("10/s for 0s", "has a duration of zero"),
        ("0/s for 5s", "makes no calls"),
        ("hold for 5s", "makes no calls"),
        ("10/s for 5s, 10/s for 5s warm-up", "Warm-up must come first"),
        ("-1/s for 5s", "is not a stage"),
    ],
)
def test_anything_else_is_refused_with_an_example(text, why):
    with pytest.raises(UsageError) as caught:
        read_stages(text)
    assert why in caught.value.what
    assert "like" in caught.value.remedy
