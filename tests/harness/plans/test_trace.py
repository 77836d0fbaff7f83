"""Recorded traces: played faster, cut, and turned into the table of a plan."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.clock import NS_PER_S
from harness.errors import UsageError
from harness.model import Arrivals, Scenario
from harness.plans.plan import planned_table, spans
from harness.plans.trace import Trace

FEW = settings(max_examples=100, deadline=None)


@st.composite
def traces(draw):
    """Traces whose duration is a little longer than their last arrival."""
    times = sorted(draw(st.lists(st.integers(0, 20 * NS_PER_S), min_size=1, max_size=60)))
    names = draw(st.sampled_from([(), ("read",), ("read", "write")]))
    operation = [number % len(names) for number in range(len(times))] if names else []
    names = names[: len(set(operation))]
    duration_s = (times[-1] + 1) / NS_PER_S + draw(st.floats(0, 3))
    return Trace("made", np.array(times, np.int64), duration_s, np.array(operation, np.int64), names)


def table_of(trace, warmup_s=0.0, seed=1):
    scenario = Scenario("replay", "", arrivals=Arrivals.REPLAY)
    plan = spans(scenario, trace.rate_per_s, trace.duration_s, warmup_s)
    return plan, planned_table(scenario, plan, trace.mix or {"read": 3.0, "write": 1.0}, seed, trace)


@FEW
@given(traces(), st.sampled_from([0.0, 1.5]), st.integers(0, 2**32))
def test_the_measured_time_is_what_was_recorded_to_the_ns(trace, warmup_s, seed):
    # Calls that lie a nanosecond apart would make a warm-up of a thousand million; `check_size` refuses such plans.
    assume(trace.rate_per_s * warmup_s < 100_000)
    plan, table = table_of(trace, warmup_s, seed)
    measured = table[table["intended_ns"] >= 0]
    assert np.array_equal(measured["intended_ns"], trace.times_ns)
    assert len(measured) == round(sum(span.area for span in plan if not span.warmup))
    assert len(table) - len(measured) == round(sum(span.area for span in plan if span.warmup))
    if trace.names:
        assert np.array_equal(measured["operation"], trace.operation)
    assert np.array_equal(table, table_of(trace, warmup_s, seed)[1])


@FEW
@given(traces(), st.floats(0.1, 50.0))
def test_played_at_another_rate_every_gap_is_stretched_alike(trace, factor):
    played = trace.at_rate(trace.rate_per_s * factor)
    assert played.rate_per_s == pytest.approx(trace.rate_per_s * factor)
    assert np.allclose(played.times_ns, trace.times_ns / factor, atol=2)
    assert np.all(np.diff(played.times_ns) >= 0)
    assert played.times_ns[-1] < played.duration_s * NS_PER_S + 1


@FEW
@given(traces(), st.floats(0.01, 1.0))
def test_a_part_holds_exactly_what_came_in_it(trace, share):
    duration_s = trace.duration_s * share
    wanted = trace.times_ns[trace.times_ns < round(duration_s * NS_PER_S)]
    if not len(wanted):
        with pytest.raises(UsageError, match="no arrivals"):
            trace.first(duration_s)
        return
    part = trace.first(duration_s)
    assert np.array_equal(part.times_ns, wanted)
    assert [part.names[number] for number in part.operation] == [
        trace.names[number] for number in trace.operation[: len(part.operation)]
    ]
    assert all(count > 0 for count in part.mix.values())


def test_more_time_than_was_recorded_is_refused():
    trace = Trace("made", np.array([0]), 1.0, np.array([], np.int64))
    with pytest.raises(UsageError, match=r"lasts 1 s, shorter than the requested 2 s.*--rate"):
        trace.first(2.0)


def test_the_peak_is_the_busiest_second():
    times = np.array([0, NS_PER_S, NS_PER_S + 1, NS_PER_S + 2], np.int64)
    assert Trace("made", times, 10.0, np.array([], np.int64)).peak_per_s == 3
