"""Histograms that merge: those of parts together are those of the whole, bit for bit."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InvalidRunError
from harness.model import Outcome
from harness.plans.span import Span
from harness.run import distributions
from harness.run.distributions import Distributions
from harness.table import calls
from harness.table.histogram import Histogram
from harness.table.latency import METRICS, latencies, returned

SPANS = (
    Span("warm-up", -1.0, 0.0, 1.0, 1.0, warmup=True),
    Span("first", 0.0, 2.0, 1.0, 1.0),
    Span("second", 2.0, 5.0, 1.0, 1.0),
)


def table(rows, seed=1, *, split=True):
    rng = np.random.default_rng(seed)
    made = np.zeros(rows, calls.DTYPE)
    made["outcome"] = rng.choice([outcome.value for outcome in Outcome], rows)
    made["operation"] = rng.integers(0, 3, rows)
    made["intended_ns"] = np.sort(rng.integers(0, 5_000_000_000, rows))
    made["dispatched_ns"] = made["intended_ns"] + rng.integers(0, 1_000_000, rows)
    made["entered_ns"] = made["dispatched_ns"] + rng.integers(0, 10_000, rows)
    made["completed_ns"] = made["entered_ns"] + rng.integers(1_000, 1_000_000_000, rows)
    service = made["completed_ns"] - made["entered_ns"]
    made["run_ns"] = service // 3 if split else -1
    made["wait_busy_ns"] = service // 4 if split else -1
    made["first_byte_ns"] = service // 2
    return made


def same(one, other):
    return np.array_equal(one.counts, other.counts) and np.array_equal(one.moments, other.moments)


@given(st.integers(0, 200), st.integers(0, 200), st.booleans())
def test_parts_merge_to_what_their_calls_together_give(first, second, split):
    parts = [table(first, 1, split=split), table(second, 2)]
    whole = Distributions.of(np.concatenate(parts), SPANS)
    assert same(Distributions.merge([Distributions.of(part, SPANS) for part in parts]), whole)


def test_a_histogram_over_all_keys_is_that_of_all_calls_that_returned():
    rows = table(5_000)
    found = Distributions.of(rows, SPANS)
    for metric, values in latencies(returned(rows)).items():
        assert found.histogram(metric) == Histogram.of(values)


def test_a_histogram_of_some_keys_is_that_of_their_calls():
    rows = table(5_000)
    found = Distributions.of(rows, SPANS)
    chosen = rows[
        (rows["outcome"] == Outcome.FAILED)
        & (rows["operation"] == 2)
        & (rows["intended_ns"] >= 3_000_000_000)
        & (rows["intended_ns"] < 4_000_000_000)
    ]
    expected = Histogram.of(chosen["completed_ns"] - chosen["intended_ns"])
    assert expected.count > 20
    assert found.histogram("response_ns", outcome=Outcome.FAILED, operation=2, second=3) == expected
    late = returned(rows[rows["intended_ns"] >= 2_000_000_000])
    assert found.histogram("service_ns", stage=1).count == len(late)


def test_a_long_table_is_taken_in_pieces_with_the_same_result(monkeypatch):
    rows = table(1_000)
    whole = Distributions.of(rows, SPANS)
    monkeypatch.setattr(distributions, "_PIECE_ROWS", 97)
    assert same(Distributions.of(rows, SPANS), whole)


@pytest.mark.parametrize(("end_s", "period"), [(0.5, 1), (300.0, 1), (300.5, 2), (3_600.0, 12)])
def test_in_long_runs_seconds_share_a_histogram_so_that_there_are_never_more_than_300(end_s, period):
    spans = (Span("steady", 0.0, end_s, 1.0, 1.0),)
    rows = table(4_000)
    rows["intended_ns"] = np.arange(4_000) / 4_000 * end_s * 1e9
    found = Distributions.of(rows, spans)
    seconds = set(found.moments["second"].tolist())
    assert distributions.period_s(spans) == period
    assert seconds == set(range(0, math.ceil(end_s), period))
    whole = latencies(returned(rows))["response_ns"]
    assert found.histogram("response_ns") == Histogram.of(whole)


def test_where_the_split_was_off_its_metrics_are_empty():
    found = Distributions.of(table(100, split=False), SPANS)
    for metric in METRICS:
        assert (found.histogram(metric).count == 0) is (metric in METRICS[4:7])


def test_what_was_written_is_read_again(tmp_path):
    found = Distributions.of(table(1_000), SPANS)
    found.write(tmp_path / "histograms.npz")
    assert same(Distributions.read(tmp_path / "histograms.npz"), found)
    # As the documentation says: one line for a user without the harness.
    assert np.load(tmp_path / "histograms.npz")["counts"]["count"].sum() == found.counts["count"].sum()


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_file_is_refused_with_what_to_do(tmp_path, damage):
    path = tmp_path / "histograms.npz"
    Distributions.of(table(1_000), SPANS).write(path)
    path.write_bytes(path.read_bytes()[:-200] if damage is None else damage)
    with pytest.raises(InvalidRunError, match="made again from the table of calls"):
        Distributions.read(path)
