"""The calls around a percentile: what is known of the table comes back, and the intervals are as wide as they must be."""

import math

import numpy as np
import pytest

from harness.model import Outcome
from harness.profiles.capture.wait import bucket_of
from harness.reading import summary, tails
from harness.reading.tails import PARTS, STRETCHES, needed, read_tails
from harness.run.directory import RunDirectory
from harness.stats.student import student_quantile
from harness.table import calls
from tests.support.run_builder import make_run

DURATION_S = 10.0
MS = 1_000_000


@pytest.fixture
def read(tmp_path):
    def made(operations=1, **parts_ns):
        """Read the tails of calls with these parts, one array for each, spread evenly over the measured time."""
        count = len(next(iter(parts_ns.values())))
        times = {part: np.asarray(parts_ns.get(part, np.zeros(count)), np.int64) for part in PARTS}
        table = np.zeros(count, calls.DTYPE)
        table["operation"] = np.arange(count) % operations
        table["intended_ns"] = np.arange(count) * (DURATION_S * 1e9 / count)
        table["dispatched_ns"] = table["intended_ns"] + times["lag_ns"]
        table["entered_ns"] = table["dispatched_ns"] + times["queue_ns"]
        service_ns = times["run_ns"] + times["wait_busy_ns"] + times["wait_idle_ns"]
        table["completed_ns"] = table["entered_ns"] + service_ns
        table["run_ns"], table["wait_busy_ns"] = times["run_ns"], times["wait_busy_ns"]
        table["outcome"] = Outcome.COMPLETED
        names = {f"call {number}": 1.0 for number in range(operations)}
        path = make_run(tmp_path, operations=names, duration_s=DURATION_S)
        calls.write_table(RunDirectory(path).calls_path, table)
        return read_tails(summary.load(path))

    return made


def slow_now_and_then(count=10_000, every=20, slow_ms=50):
    """Run for 1 ms and wait for nothing, but every so many calls for long."""
    idle = np.zeros(count)
    idle[::every] = slow_ms * MS
    return {"run_ns": np.full(count, MS), "wait_idle_ns": idle}


def test_one_call_in_20_that_waits_is_all_of_p99_and_a_20th_of_the_mean(read):
    tail = read(**slow_now_and_then())["call 0"]
    mean, around = tail.mean(), tail.around(0.99)
    assert mean.calls == tail.count == 10_000
    assert mean.parts_ns == pytest.approx({**dict.fromkeys(PARTS, 0), "run_ns": MS, "wait_idle_ns": 2.5 * MS})
    assert around.calls == 100
    assert around.parts_ns == {**dict.fromkeys(PARTS, 0), "run_ns": MS, "wait_idle_ns": 50 * MS}
    # The 100 are some of the 500 that are alike.
    assert around.bucket_shares == {bucket_of(51 * MS): pytest.approx(0.2)}
    assert set(mean.bucket_shares.values()) == {1.0}
    # There the percentile is a step: half of the calls around it are slow.
    assert tail.around(0.95).parts_ns["wait_idle_ns"] == pytest.approx(25 * MS)


def test_parts_add_up_to_the_mean_response_of_the_calls_around(read):
    rng = np.random.default_rng(1)
    parts = {part: rng.lognormal(13, 1, 4_000).astype(np.int64) for part in PARTS}
    response = np.sort(sum(parts.values()))
    around = read(**parts)["call 0"].around(0.95)
    assert around.calls == 200
    assert sum(around.parts_ns.values()) == pytest.approx(response[-300:-100].mean())


def test_each_operation_has_its_own_tail(read):
    parts = {"run_ns": np.where(np.arange(6_000) % 2, 5 * MS, MS) + np.arange(6_000) * 10}
    found = read(operations=2, **parts)
    for name, base_ns in (("call 0", MS), ("call 1", 5 * MS)):
        assert found[name].count == 3_000
        # The slowest of each come last.
        assert found[name].around(0.99).parts_ns["run_ns"] == pytest.approx(base_ns + 0.99 * 60_000, rel=0.01)


@pytest.mark.parametrize("share", [0.95, 0.99])
def test_too_few_calls_say_nothing(read, share):
    enough = needed(share)
    assert read(**slow_now_and_then(enough))["call 0"].around(share).calls == 20
    assert read(**slow_now_and_then(enough - 60))["call 0"].around(share) is None


def test_without_the_split_there_is_nothing_to_divide(tmp_path):
    assert read_tails(summary.load(make_run(tmp_path, split=False))) == {}


def test_a_long_run_is_thinned_and_says_the_same(read, monkeypatch):
    rng = np.random.default_rng(2)
    parts = {"wait_idle_ns": rng.lognormal(15, 1, 100_000)}
    whole = read(**parts)["call 0"].around(0.99)
    monkeypatch.setattr(tails, "_MOST_CALLS", 2_000)
    thin = read(**parts)["call 0"].around(0.99)
    assert whole.calls == 1_000
    assert thin.calls == pytest.approx(125, abs=3)
    error = whole.errors_ns["wait_idle_ns"] * math.sqrt(whole.calls / thin.calls)
    assert thin.parts_ns["wait_idle_ns"] == pytest.approx(whole.parts_ns["wait_idle_ns"], abs=4 * error)
    for bucket, share in whole.bucket_shares.items():
        assert thin.bucket_shares.get(bucket, 0) == pytest.approx(share, abs=0.35)


def test_intervals_hold_as_often_as_they_say(read):
    rng = np.random.default_rng(3)
    reach = student_quantile(0.95, STRETCHES - 1)
    # Lognormal: the mean of what lies between p98.5 and p99.5, from a large sample.
    large = np.sort(rng.lognormal(14, 0.7, 2_000_000))
    true = {None: large.mean(), 0.99: large[-30_000:-10_000].mean()}
    held = {None: 0, 0.99: 0}
    for _ in range(120):
        tail = read(run_ns=rng.lognormal(14, 0.7, 5_000))["call 0"]
        for share, true_ns in true.items():
            found = tail.mean() if share is None else tail.around(share)
            error = found.errors_ns["run_ns"]
            held[share] += abs(found.parts_ns["run_ns"] - true_ns) <= reach * error
    # 114 of 120 are expected; 105 or fewer have a chance of 1 in 3,000.
    assert held[None] >= 105
    assert held[0.99] >= 100


def test_calls_that_were_slow_together_are_one_event(read):
    count = 10_000
    scattered, together = np.zeros(count), np.zeros(count)
    scattered[::50] = together[:200] = 50 * MS
    run_ns = np.full(count, MS)
    errors = [
        read(run_ns=run_ns, wait_idle_ns=idle)["call 0"].mean().errors_ns["wait_idle_ns"]
        for idle in (scattered, together)
    ]
    assert errors[0] < 0.01 * MS
    assert errors[1] == pytest.approx(MS, rel=0.1)


def test_a_part_of_the_measured_time_is_too_little_to_tell_how_sure(read):
    tail = read(**slow_now_and_then())["call 0"]
    tail._counts[8:] = 0
    assert set(tail.mean().errors_ns.values()) == {None}
