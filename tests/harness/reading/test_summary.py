"""From a run directory to numbers: equal to NumPy's on the raw rows, and nothing lost on the way."""

import json
import os

import msgspec
import numpy as np
import pytest

from harness.errors import InvalidRunError
from harness.model import Outcome
from harness.policy.thresholds import Level
from harness.reading.judging import judge
from harness.reading.run_json import as_json
from harness.reading.summary import load, throughput
from harness.run.directory import RunDirectory
from harness.table import calls
from harness.table.histogram import PERCENTILES, least_count
from harness.table.latency import METRICS
from tests.support.run_builder import make_run

MIXED = {"fail_share": 0.1, "timeout_share": 0.05, "dropped_share": 0.07, "never_share": 0.03}
RETURNED = [Outcome.COMPLETED, Outcome.FAILED, Outcome.TIMED_OUT]


def measured(path):
    """The rows of the measured time, read by NumPy alone."""
    table = np.load(path / "timing" / "calls.npy")
    return table[table["intended_ns"] >= 0]


def raw(rows):
    """The seven times of the calls that returned, by their definitions."""
    back = rows[np.isin(rows["outcome"], RETURNED)]
    service = back["completed_ns"] - back["entered_ns"]
    return {
        "response_ns": back["completed_ns"] - back["intended_ns"],
        "service_ns": service,
        "lag_ns": back["dispatched_ns"] - back["intended_ns"],
        "queue_ns": back["entered_ns"] - back["dispatched_ns"],
        "run_ns": back["run_ns"],
        "wait_busy_ns": back["wait_busy_ns"],
        "wait_idle_ns": service - back["run_ns"] - back["wait_busy_ns"],
    }


def assert_equals_numpy(operation, rows):
    for metric, values in raw(rows).items():
        found = operation.percentiles(metric)
        assert found["mean"] == pytest.approx(values.mean())
        assert found["max"] == values.max()
        for name, share in PERCENTILES.items():
            if len(values) >= least_count(share):
                wanted = np.percentile(values, share * 100, method="inverted_cdf")
                assert found[name] == pytest.approx(wanted, rel=0.005)
            else:
                assert found[name] is None


def test_all_operations_together_are_numpys_numbers(tmp_path):
    path = make_run(tmp_path, **MIXED)
    assert_equals_numpy(load(path).total, measured(path))


def test_each_operation_is_numpys_numbers(tmp_path):
    path = make_run(tmp_path, **MIXED)
    rows = measured(path)
    for index, operation in enumerate(load(path).operations.values()):
        assert_equals_numpy(operation, rows[rows["operation"] == index])


def test_the_sum_of_the_parts_is_the_response(tmp_path):
    histograms = load(make_run(tmp_path, **MIXED)).total.histograms
    totals = {metric: histograms[metric].total for metric in METRICS}
    assert totals["response_ns"] == totals["lag_ns"] + totals["queue_ns"] + totals["service_ns"]
    assert totals["service_ns"] == totals["run_ns"] + totals["wait_busy_ns"] + totals["wait_idle_ns"]


def test_outcomes_sum_to_the_plan(tmp_path):
    path = make_run(tmp_path, **MIXED)
    run, rows = load(path), measured(path)
    assert sum(run.total.outcomes.values()) == run.planned == len(rows) == 2000
    for outcome in Outcome:
        assert run.total.outcomes[outcome.label] == (rows["outcome"] == outcome).sum()
    assert run.total.count == np.isin(rows["outcome"], RETURNED).sum()


def test_operations_and_stages_each_sum_to_the_whole(tmp_path):
    stages = (("quiet", 0.4, 1.0, 1.0), ("spike", 0.2, 5.0, 5.0), ("down", 0.4, 1.0, 0.0))
    run = load(make_run(tmp_path, stages=stages, **MIXED))
    for outcome, total in run.total.outcomes.items():
        assert sum(part.outcomes[outcome] for part in run.operations.values()) == total
        assert sum(part.outcomes[outcome] for _, part in run.stages) == total


def test_a_stage_holds_the_calls_that_were_intended_in_it(tmp_path):
    stages = (("quiet", 0.4, 1.0, 1.0), ("spike", 0.2, 5.0, 5.0), ("after", 0.4, 1.0, 1.0))
    path = make_run(tmp_path, stages=stages)
    run, rows = load(path), measured(path)
    assert [span.label for span, _ in run.stages] == ["quiet", "spike", "after"]
    for span, part in run.stages:
        inside = (rows["intended_ns"] >= span.start_s * 1e9) & (rows["intended_ns"] < span.end_s * 1e9)
        assert sum(part.outcomes.values()) == inside.sum() == round(span.area)
        assert part.histograms["response_ns"].total == raw(rows[inside])["response_ns"].sum()


def test_a_call_intended_where_one_stage_ends_belongs_to_the_next(tmp_path):
    path = make_run(tmp_path, stages=(("one", 0.5, 1.0, 1.0), ("two", 0.5, 1.0, 1.0)))
    table = np.load(path / "timing" / "calls.npy", mmap_mode="r+")
    table["intended_ns"][-1000] = 5_000_000_000
    table.flush()
    assert [sum(part.outcomes.values()) for _, part in load(path).stages] == [1000, 1000]


def test_warm_up_is_in_no_number(tmp_path):
    run = load(make_run(tmp_path, warmup_s=2.0))
    assert len(run.warmup) == 400
    assert run.warmup["intended_ns"].max() < 0
    assert run.planned == 2000 == sum(run.total.outcomes.values())


@pytest.mark.parametrize("duration_s", [0.05, 3.0, 3600.0])
def test_the_time_line_loses_no_call(tmp_path, duration_s):
    path = make_run(tmp_path, duration_s=duration_s, rate_per_s=4000 / duration_s, **MIXED)
    run, rows = load(path), measured(path)
    line = run.timeline
    assert len(line.planned) <= 120
    assert line.bin_s * len(line.planned) == pytest.approx(duration_s)
    assert line.planned.sum() == run.planned
    assert line.dropped.sum() == run.total.outcomes["dropped"]
    within = rows[rows["completed_ns"] < duration_s * 1e9]
    assert line.completed.sum() == (within["outcome"] == Outcome.COMPLETED).sum()
    assert line.failed.sum() == np.isin(within["outcome"], [Outcome.FAILED, Outcome.TIMED_OUT]).sum()
    assert sum(part.count for part in line.response) == run.total.count
    assert sum(part.total for part in line.response) == run.total.histograms["response_ns"].total


def test_a_call_stands_in_the_bin_of_its_intended_start(tmp_path):
    path = make_run(tmp_path, duration_s=12.0)
    line, rows = load(path).timeline, measured(path)
    width_ns = line.bin_s * 1e9
    for index in (0, 17, len(line.planned) - 1):
        inside = rows[(rows["intended_ns"] / width_ns).astype(int) == index]
        assert line.planned[index] == len(inside)
        assert line.response[index].total == raw(inside)["response_ns"].sum()
    assert line.start_s[1] == line.bin_s


def test_rows_out_of_order_as_users_append_them_make_the_same_time_line(tmp_path):
    path = make_run(tmp_path, executor="closed", **MIXED)
    ordered = load(path).timeline
    table = np.load(path / "timing" / "calls.npy", mmap_mode="r+")
    np.random.default_rng(3).shuffle(table)
    table.flush()
    shuffled = load(path).timeline
    assert shuffled.response == ordered.response
    for column in ("planned", "completed", "failed", "dropped"):
        assert np.array_equal(getattr(shuffled, column), getattr(ordered, column))


def test_calls_in_flight_are_the_time_that_each_was_there_by_that_of_the_bin(tmp_path):
    path = make_run(tmp_path, service_ms=900.0, harness_lag_ms=60.0, outcome=Outcome.UNFINISHED, **MIXED)
    line, rows = load(path).timeline, measured(path)
    edges_ns = np.arange(len(line.planned) + 1) * line.bin_s * 1e9
    let_go = np.where(rows["outcome"] == Outcome.NEVER_STARTED, np.inf, rows["dispatched_ns"])
    back = np.where(rows["outcome"] == Outcome.UNFINISHED, np.inf, rows["completed_ns"])
    were = ~np.isin(rows["outcome"], [Outcome.NEVER_STARTED, Outcome.DROPPED])
    for shown, came, left in (
        (line.in_flight, rows["dispatched_ns"][were], back[were]),
        (line.waiting, rows["intended_ns"], let_go),
    ):
        for place in (0, 1, 50, len(line.planned) - 1):
            start, end = edges_ns[place : place + 2]
            there = np.minimum(left, end) - np.maximum(came, start)
            assert shown[place] == pytest.approx(there.clip(0).sum() / (end - start))
    assert line.in_flight[-1] > line.in_flight[0]


def test_a_dropped_call_stands_where_it_was_intended(tmp_path):
    path = make_run(tmp_path, dropped_share=0.3)
    line, rows = load(path).timeline, measured(path)
    dropped = rows[rows["outcome"] == Outcome.DROPPED]
    place = (dropped["intended_ns"] / (line.bin_s * 1e9)).astype(int)
    assert line.dropped.tolist() == np.bincount(place, minlength=len(line.planned)).tolist()


def test_throughput_is_completed_calls_by_measured_time(tmp_path):
    path = make_run(tmp_path, **MIXED)
    run = load(path)
    assert run.measured_s == 10.0
    assert run.throughput_per_s == run.total.outcomes["completed"] / 10.0


def test_a_run_that_was_ended_early_is_measured_by_the_time_that_it_had(tmp_path):
    path = make_run(tmp_path, interrupted=True)
    directory = RunDirectory(path)
    directory.write_facts(msgspec.structs.replace(directory.read_facts(), ended_ns=4_000_000_000))
    assert load(path).measured_s == 4.0


def test_the_throughput_of_a_probe_counts_what_completed_in_its_time(tmp_path):
    path = make_run(tmp_path, fail_share=0.2)
    rows = measured(path)
    good = rows[(rows["outcome"] == Outcome.COMPLETED) & (rows["completed_ns"] <= 5e9)]
    assert throughput(path / "timing" / "calls.npy", 5.0) == len(good) / 5.0


def test_the_slowest_calls_come_slowest_first(tmp_path):
    path = make_run(tmp_path, **MIXED)
    slowest = load(path).slowest(5)
    response = slowest["completed_ns"] - slowest["intended_ns"]
    assert response.tolist() == sorted(raw(measured(path))["response_ns"].tolist(), reverse=True)[:5]


def test_without_the_split_its_times_have_no_numbers(tmp_path):
    total = load(make_run(tmp_path, split=False)).total
    for metric in ("run_ns", "wait_busy_ns", "wait_idle_ns"):
        assert set(total.percentiles(metric).values()) == {None}
    assert total.percentiles("service_ns")["p50"] is not None


def test_an_operation_that_no_call_had_is_there_with_nothing(tmp_path):
    path = make_run(tmp_path)
    directory = RunDirectory(path)
    document = directory.read()
    operations = {**document.plan.operations, "DELETE": 1e-9}
    document.plan = msgspec.structs.replace(document.plan, operations=operations)
    directory.write(document)
    part = load(path).operations["DELETE"]
    assert part.count == 0
    assert set(part.percentiles("response_ns").values()) == {None}
    assert set(part.outcomes.values()) == {0}


def test_the_json_holds_what_the_product_promises(tmp_path):
    run = load(
        make_run(tmp_path, **MIXED, profiles={"cpu": {"file": "cpu/cpu.folded", "facts": {"samples": 9}}})
    )
    document = json.loads(json.dumps(as_json(judge(run)), allow_nan=False))
    assert list(document) == [
        "dir", "scenario", "target", "variant", "engine", "seed", "validity", "reasons", "remarks", "interrupted", "planned",
        "outcomes", "locust", "client", "throughput_per_s", "recorder_ns_per_call", "split_ns_per_switch", "stated", "backends", "children", "served", "operations", "slowest",
        "blocked", "failures", "journeys", "judged_by",
        "events_changed", "in_threads", "left_tasks", "left_running", "thread_cpu", "held_by", "warmup", "stages", "slo",
        "growth", "profiles",
    ]  # fmt: skip
    assert list(document["outcomes"]) == [
        "completed", "failed", "timed_out", "dropped", "unfinished", "never_started",
    ]  # fmt: skip
    for name, operation in document["operations"].items():
        assert list(operation) == ["requests", "count", "failed", *METRICS, "intervals"]
        assert operation["count"] == run.operations[name].count
        for metric in METRICS:
            assert list(operation[metric]) == [*PERCENTILES, "max", "mean"]
            # Fewer than ten calls beyond: an interval, or nothing where that is unbounded too.
            withheld = {share for share in PERCENTILES if operation[metric][share] is None}
            assert set(operation["intervals"][metric]) <= withheld
    assert document["profiles"]["cpu"] == {"samples": 9, "file": "cpu/cpu.folded", "reason": None}


def test_reading_again_gives_the_same_numbers_on_another_machine(tmp_path):
    path = make_run(tmp_path, **MIXED)
    first = as_json(judge(load(path)), "here")
    moved = tmp_path / "moved"
    path.rename(moved)
    assert as_json(judge(load(moved)), "here") == first


def test_a_killed_run_is_readable_and_says_what_it_lacks(tmp_path):
    path = make_run(tmp_path)
    directory = RunDirectory(path)
    document = directory.read()
    document.status = "running"
    directory.write(document)
    directory.facts_path.unlink()
    table = np.load(directory.calls_path, mmap_mode="r+")
    table["outcome"][-1500:] = Outcome.NEVER_STARTED
    for column in ("dispatched_ns", "entered_ns", "completed_ns"):
        table[column][-1500:] = 0
    table.flush()
    run = load(path)
    assert judge(run).validity.level is Level.INVALID
    assert any("left no account of itself" in reason for reason in judge(run).validity.reasons)
    assert any("cut off" in reason for reason in judge(run).validity.reasons)
    assert run.total.count == 500
    assert 2.4 < run.measured_s < 2.7
    assert as_json(judge(run))["recorder_ns_per_call"] is None


def test_a_run_that_the_measured_process_ended_says_why(tmp_path):
    path = make_run(tmp_path)
    directory = RunDirectory(path)
    directory.write_facts(msgspec.structs.replace(directory.read_facts(), stopped="No room for 9 calls"))
    assert "The run ended before its time: No room for 9 calls" in judge(load(path)).validity.reasons


@pytest.mark.parametrize(("column", "value"), [("outcome", 6), ("outcome", 255), ("operation", 3)])
def test_a_row_with_a_number_that_means_nothing_damages_the_table(tmp_path, column, value):
    path = make_run(tmp_path)
    table = np.load(path / "timing" / "calls.npy", mmap_mode="r+")
    table[column][5] = value
    table.flush()
    with pytest.raises(InvalidRunError, match="an outcome or operation that does not exist"):
        load(path)


def test_a_table_that_was_cut_off_is_refused(tmp_path):
    path = make_run(tmp_path)
    os.truncate(path / "timing" / "calls.npy", 5000)
    with pytest.raises(InvalidRunError, match="table of calls is damaged"):
        load(path)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidRunError, match="no such run directory"):
        load(tmp_path / "nothing")


def test_a_run_without_a_call_has_no_numbers_and_no_division(tmp_path):
    path = make_run(tmp_path)
    calls.write_table(path / "timing" / "calls.npy", np.zeros(0, calls.DTYPE))
    RunDirectory(path).facts_path.unlink()
    run = load(path)
    assert (run.planned, run.measured_s, run.throughput_per_s) == (0, 0.0, 0.0)
    assert judge(run).validity.level is Level.INVALID
    assert run.timeline.planned.sum() == 0
    assert len(run.slowest()) == 0
    assert json.dumps(as_json(judge(run)), allow_nan=False)


def test_lag_of_the_harness_is_what_no_one_else_owns(tmp_path):
    path = make_run(tmp_path, never_share=0.2)
    rows = measured(path)
    started = rows[rows["outcome"] != Outcome.NEVER_STARTED]
    lag = started["dispatched_ns"] - started["intended_ns"] - started["lag_target_ns"]
    assert load(path).harness_lag.total == lag.sum()
    assert load(path).harness_lag.count == len(started)


def test_what_is_told_and_not_judged_stands_in_the_json_of_a_killed_run_too(tmp_path):
    path = make_run(tmp_path)
    assert as_json(judge(load(path)))["stated"] == {
        "cpu_share": 0.41, "descheduled_share": 0.005, "steal_share": 0.001, "load_average": 0.9, "in_flight_limit": 2000,
        "replaced_time_s": 0.0, "halted_ns": 0, "in_flight_peak": 9, "garbage_collections": 12, "garbage_ns": 34_000_000, "peak_rss_bytes": 120 * 2**20,
    }  # fmt: skip
    RunDirectory(path).facts_path.unlink()
    assert as_json(judge(load(path)))["stated"]["garbage_collections"] is None


def test_charts_over_time_end_where_an_interrupted_run_ended(tmp_path):
    run = load(make_run(tmp_path, **MIXED, interrupted=True, ended_s=1.5))
    assert run.timeline.bin_s * len(run.timeline.planned) == pytest.approx(1.5)
    assert run.document.plan.duration_s > 1.5
