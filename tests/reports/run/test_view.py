"""The view of a report: what is shown equals what was measured, and what cannot be trusted is not shown."""

import msgspec
import numpy as np
import pytest

from harness.errors import UsageError
from harness.model import Outcome
from harness.policy.thresholds import Thresholds
from harness.reading import summary
from harness.reading.judging import judge
from harness.run.directory import RunDirectory
from harness.run.facts import Blocked
from reports.charts.data import HeatMap, PercentilePlot, RatePlot, SplitPlot
from reports.run import view
from reports.run.plots.tails import percentile_series
from reports.shared.model import Status, Tone
from reports.shared.ratios import ratio_text
from tests.support.run_builder import make_run

FAST = {"variant": "optimised", "service_ms": 0.5, "calls_per_request": 0.5, "l1_hits": 0.9}


@pytest.fixture
def built(tmp_path):
    def build(*specs):
        runs = [summary.load(make_run(tmp_path, **spec)) for spec in specs]
        return view.build([*map(judge, runs)]), runs

    return build


def cell(table, label, column=0, group=""):
    (row,) = [row for row in table.rows if row.label == label and row.group == group]
    return row.cells[column]


def response_ns(run):
    rows = run.table[np.isin(run.table["outcome"], [2, 3, 4])]
    return np.sort(rows["completed_ns"] - rows["intended_ns"])


def test_percentiles_equal_the_nearest_rank_of_the_raw_table(built):
    shown, (run,) = built({})
    times = response_ns(run)
    for label, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        truth = times[int(np.ceil(share * len(times))) - 1]
        assert cell(shown.comparison, f"Response {label}").value == pytest.approx(truth, rel=0.005)
    assert cell(shown.comparison, "Response max").value == times[-1]
    assert cell(shown.comparison, "Response p99.9").value is None


def test_a_percentile_beyond_which_fewer_than_ten_calls_lie_is_shown_as_its_interval(built):
    shown, (run,) = built({"duration_s": 3.0})
    assert len(response_ns(run)) == 600
    row = shown.operations_table.rows[0]
    place = shown.operations_table.columns.index("p99")
    assert " ms to " in row.cells[place].text
    assert (row.cells[place].value, row.cells[place + 1].text) == (None, "–")


def test_rates_and_outcomes_equal_the_counts_of_the_raw_table(built):
    shown, (run,) = built({"fail_share": 0.1, "timeout_share": 0.05, "dropped_share": 0.2})
    outcome = run.table["outcome"]
    errors = np.isin(outcome, [Outcome.FAILED, Outcome.TIMED_OUT]).sum()
    returned = np.isin(outcome, [2, 3, 4]).sum()
    assert cell(shown.comparison, "Throughput").value == (outcome == Outcome.COMPLETED).sum() / 10
    assert cell(shown.comparison, "Errors").value == errors / returned
    assert cell(shown.comparison, "Not completed").value == (outcome == Outcome.DROPPED).sum() / len(outcome)
    assert sum(count for _, count in shown.runs[0].outcomes) == shown.runs[0].planned == len(outcome)
    assert shown.verdict.status is Status.BAD


def test_the_ratio_of_two_runs_is_the_second_by_the_first(built):
    shown, runs = built({}, FAST)
    medians = [run.total.percentiles("response_ns")["p50"] for run in runs]
    p50 = cell(shown.comparison, "Response p50", 1)
    assert p50.ratio == medians[1] / medians[0]
    assert p50.tone is Tone.BETTER
    assert cell(shown.comparison, "dynamodb calls per request", 1).ratio == pytest.approx(0.25, rel=0.01)
    assert cell(shown.comparison, "L1 cache hits", 1).tone is Tone.BETTER
    assert "optimised against baseline: 3.8" in shown.verdict.sentence
    assert "× faster at the median" in shown.verdict.sentence


def test_a_slower_second_run_reads_as_worse(built):
    shown, _ = built(FAST, {})
    assert cell(shown.comparison, "Response p50", 1).tone is Tone.WORSE
    assert "× slower at the median" in shown.verdict.sentence


def test_a_difference_below_the_caution_factor_is_called_noise_and_nothing_is_called_significant(built):
    shown, _ = built({}, {"variant": "optimised", "service_ms": 1.6})
    assert cell(shown.comparison, "Response p50", 1).tone is Tone.SIMILAR
    assert "below the detection limit" in shown.verdict.sentence
    trust = " ".join(shown.verdict.trust)
    assert "Sequential runs, not interleaved" in trust
    assert "ignore differences under 1.5× in time" in trust
    assert all("Response" not in row.label for row in shown.changes.rows)


def test_changes_come_largest_first_and_only_beyond_the_caution_factor(built):
    shown, _ = built({}, FAST)
    sizes = [abs(np.log(row.cells[1].ratio)) for row in shown.changes.rows if row.cells[1].ratio]
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) > np.log(1.1)


def test_the_parts_of_the_change_add_up_to_the_change_of_the_mean_response(built):
    shown, runs = built({}, FAST)
    for number, run in enumerate(runs):
        row = [row for row in shown.split.rows if row.group == "all"][number]
        parts = [part.value for part in row.cells[1:]]
        assert sum(parts) == pytest.approx(response_ns(run).mean())
        assert sum(part.share for part in row.bar) == pytest.approx(1)
    assert any("mean response −" in note for note in shown.change_notes)


def test_an_invalid_run_shows_no_latency_anywhere(built):
    shown, (run,) = built({"harness_lag_ms": 8.0})
    assert shown.runs[0].level == "invalid"
    assert "gives no usable numbers" in shown.verdict.sentence
    assert [chart.key for chart in shown.charts] == ["rate", "in-flight", "calls"]
    assert shown.chart_notes
    assert "invalid" in shown.chart_notes[0]
    tables = [
        shown.comparison,
        shown.operations_table,
        shown.stages,
        *(one.table for one in shown.operations),
    ]
    cells = [one for table in tables for row in table.rows for one in row.cells]
    assert not [one.text for one in cells if one.text.endswith((" ms", " µs"))]
    assert not shown.slowest[0].rows
    assert not shown.split.rows
    assert not shown.split.notes
    assert run.total.percentiles("response_ns")["p50"] is not None


def test_beside_a_valid_run_an_invalid_one_is_left_out_of_charts_and_of_the_comparison(built):
    shown, _ = built({}, {"variant": "optimised", "harness_lag_ms": 8.0})
    assert cell(shown.comparison, "Response p50", 1).text == "withheld"
    assert cell(shown.comparison, "Response p50", 0).value is not None
    assert "optimised is invalid" in shown.verdict.sentence
    plots = [chart.plot for chart in shown.charts]
    (percentiles, *_) = [plot for plot in plots if isinstance(plot, PercentilePlot)]
    assert [series.label for series in percentiles.panels[0].series] == ["baseline"]
    assert [len(plot.panels) for plot in plots if isinstance(plot, RatePlot)] == [2]
    assert shown.next_command.command == "harness doctor"


def test_calls_without_an_answer_are_told_by_operation_and_outcome_with_when_it_began_and_ended(built):
    shown, (run,) = built({"dropped_share": 0.1, "never_share": 0.02, "fail_share": 0.1})
    assert [cell.value for row in shown.lost.rows for cell in row.cells[1:2]] == sorted(
        (cell.value for row in shown.lost.rows for cell in row.cells[1:2]), reverse=True
    )
    first = shown.lost.rows[0]
    rows = run.table[run.table["operation"] == 0]
    dropped = rows[rows["outcome"] == Outcome.DROPPED]["intended_ns"]
    assert (first.label, first.cells[0].text) == ("GET /assets/{id}", "dropped")
    assert [cell.value for cell in first.cells[1:]] == pytest.approx(
        [len(dropped), len(dropped) / len(rows), dropped.min() / 1e9, dropped.max() / 1e9]
    )
    assert sum(row.cells[1].value for row in shown.lost.rows) == run.planned - run.total.count
    assert "Dropped" in shown.lost.notes[0]
    assert "Unfinished" not in shown.lost.notes[0]


def test_where_every_call_came_back_nothing_is_said_of_lost_ones(built):
    shown, _ = built({"fail_share": 0.1})
    assert (shown.lost.rows, shown.lost.notes) == ((), ())


def test_of_many_ways_to_lose_calls_the_most_frequent_are_shown_and_the_others_counted(built):
    many = {f"GET /{number}": 1 / 20 for number in range(20)}
    shown, _ = built({"operations": many, "dropped_share": 0.4})
    assert len(shown.lost.rows) == 12
    assert shown.lost.notes[0] == "8 smaller ones are left out."


def test_with_several_runs_each_lost_call_has_its_run(built):
    shown, _ = built({}, {"variant": "optimised", "dropped_share": 0.1})
    assert shown.lost.columns[0] == "run"
    assert {row.cells[0].text for row in shown.lost.rows} == {"optimised"}


def test_a_run_that_is_alone_has_its_name_in_no_head_and_no_chart(built):
    shown, _ = built({"variant": "some long name"})
    heads = [
        table.columns for table in (shown.comparison, shown.counters, shown.overhead, shown.heads[0].table)
    ]
    assert heads == [("value",)] * 4
    assert "some long name" not in repr([chart.plot for chart in shown.charts])


def test_runs_of_different_scenarios_are_shown_without_ratios(built):
    shown, _ = built({}, {"scenario": "steady", "rate_per_s": 50.0})
    assert [card.label for card in shown.runs] == ["asset-read · baseline", "steady · baseline"]
    assert all(not one.ratio_text for row in shown.comparison.rows for one in row.cells)
    assert "cannot be compared" in shown.verdict.sentence
    assert shown.changes is None


def test_runs_with_the_same_name_get_numbers(built):
    shown, _ = built({}, {}, {})
    assert [card.label for card in shown.runs] == ["baseline #1", "baseline #2", "baseline #3"]


def test_a_run_without_a_completed_call_is_reported_as_invalid(built):
    shown, _ = built({"outcome": Outcome.NEVER_STARTED, "facts": False, "counters": False})
    assert "no usable numbers" in shown.verdict.sentence
    assert shown.verdict.status is Status.BAD
    assert "left no account of itself" in " ".join(shown.counters.notes)


def test_every_report_says_what_measuring_cost(built):
    shown, _ = built({}, {"split": False})
    costs = [dict(run.facts)["measuring"] for run in shown.runs]
    assert costs == [
        "420 ns a call for recording, 900 ns a yield for the split",
        "420 ns a call for recording, the split was off",
    ]


def test_a_missing_profile_is_a_sentence(built):
    shown, _ = built({}, {"profiles": {"cpu": {"reason": "No CPU profile: py-spy has no rights."}}})
    assert shown.profile_notes == ("baseline #2: No CPU profile: py-spy has no rights.",)
    shown, _ = built({})
    assert "run again with --profile" in shown.profile_notes[0]


def test_a_damaged_profile_is_a_sentence_and_a_good_one_is_loaded(built):
    good = "# unit: samples.\noperation:call;f (m.py) 3\n"
    shown, _ = built({"folded": {"cpu/cpu.folded": good, "memory/peak.folded": "broken"}})
    (profile,) = shown.profiles
    assert (profile.title, profile.sides["baseline"].profile.total) == ("CPU", 3)
    assert any("damaged" in note for note in shown.profile_notes)


def test_the_cost_of_a_profiler_is_its_service_time_by_that_of_the_timing_run(built):
    facts = {"cpu": {"file": "cpu/cpu.folded", "facts": {"service_p50_ns": 4.2e6}, "requests": {"call": 7}}}
    shown, (run,) = built({"profiles": facts})
    alone_ns = run.total.percentiles("service_ns")["p50"]
    cost = cell(shown.profile_facts, "service median under the profiler", group="cpu")
    assert cost.value == 4.2e6 / alone_ns
    assert cell(shown.profile_facts, "requests", group="cpu").value == 7


def test_counters_are_divided_by_the_requests_of_their_operation(built):
    shown, (run,) = built({"requests_per_call": 2})
    counters = run.counters["POST /assets"]
    truth = counters["dynamodb.calls"] / counters["requests"]
    assert cell(shown.counters, "dynamodb.calls", group="POST /assets").value == truth
    assert cell(shown.comparison, "redis calls per request").value == 0.5


def test_a_saturated_back_end_is_named_in_the_verdict(built):
    backends = {"dynamodb": {"ceiling_per_s": 300.0, "achieved_per_s": 290.0, "what": "GetItem"}}
    shown, _ = built({"backends": backends})
    assert any("dynamodb was saturated" in point for point in shown.verdict.points)
    assert cell(shown.backends, "dynamodb", 3).text.startswith("saturated")


def test_a_back_end_is_saturated_by_the_thresholds_of_its_run_in_the_table_as_in_the_validity(tmp_path):
    backends = {"dynamodb": {"ceiling_per_s": 300.0, "achieved_per_s": 200.0}}
    directory = RunDirectory(make_run(tmp_path, backends=backends))
    document = directory.read()
    document.thresholds = Thresholds(backend_share=0.5)
    directory.write(document)
    judged = judge(summary.load(directory.path))
    assert any("dynamodb was saturated" in reason for reason in judged.validity.reasons)
    shown = view.build([judged])
    assert any("dynamodb was saturated" in point for point in shown.verdict.points)
    assert cell(shown.backends, "dynamodb", 3).text.startswith("saturated")


def test_what_differs_between_runs_is_named(built):
    other = {"machine": {"cpu": "Example CPU", "cores": 4, "kernel": "6.1"}, "python": "3.11.2"}
    shown, _ = built({}, {"variant": "optimised", "environment": other})
    names = [row.label for row in shown.differences.rows]
    assert "machine.cores" in names
    assert "variant" in names
    assert "machine.cpu" not in names
    assert cell(shown.differences, "packages.boto3", 1).text == "unknown"


def test_no_secret_of_environment_or_command_line_is_shown(built):
    environment = {
        "REDIS_PASSWORD": "hunter2",
        "endpoint": "bolt://neo4j:hunter2@127.0.0.1:7687",
        "token_cache": True,
    }
    command = "harness run x --target 'core?password=hunter2&size=1' --api-key hunter2 --seed 3"
    shown, _ = built({"environment": environment, "command": command})
    texts = {row.label: row.cells[0].text for row in shown.environment.rows}
    assert "hunter2" not in " ".join(texts.values())
    assert texts["endpoint"] == "bolt://[redacted]@127.0.0.1:7687"
    assert texts["command"].endswith("--seed 3")
    assert "size=1" in texts["command"]
    assert texts["token_cache"] == "yes"


def test_the_closed_model_has_no_planned_rate(built):
    shown, _ = built({"executor": "closed"})
    assert not [row for row in shown.comparison.rows if row.label == "Target rate"]
    assert "to 8 users" in shown.verdict.sentence
    (rates,) = [chart.plot for chart in shown.charts if isinstance(chart.plot, RatePlot)]
    assert rates.panels[0].planned is None


def test_a_run_without_the_split_divides_service_no_further(built):
    shown, _ = built({"split": False})
    (split,) = [chart.plot for chart in shown.charts if isinstance(chart.plot, SplitPlot)]
    assert [part for part, _ in split.panels[0].bars[0].parts] == ["lag_ns", "queue_ns", "service_ns"]
    assert any("was off" in note for note in shown.split.notes)


@pytest.mark.parametrize(("duration_s", "rate_per_s"), [(3.0, 100.0), (3600.0, 5.0)])
def test_time_bins_adapt_to_short_and_long_runs(built, duration_s, rate_per_s):
    shown, _ = built({"duration_s": duration_s, "rate_per_s": rate_per_s})
    (heat,) = [chart.plot for chart in shown.charts if isinstance(chart.plot, HeatMap)]
    shares = heat.panels[0].shares
    assert 20 <= shares.shape[1] <= 120
    assert shares.shape[1] * heat.panels[0].bin_s == pytest.approx(duration_s)
    full = shares.sum(axis=0) > 0
    assert shares.sum(axis=0)[full] == pytest.approx(1)


def test_the_percentile_curve_never_falls_and_ends_at_the_slowest_call(built):
    _, (run,) = built({})
    series = percentile_series("all", 0, run.total.histograms["response_ns"])
    assert (np.diff(series.y) >= 0).all()
    assert series.y[-1] == response_ns(run)[-1]
    assert series.x[-1] == pytest.approx(run.total.count)


def test_the_slowest_calls_are_the_slowest_of_the_table(built):
    shown, (run,) = built({})
    shown_ns = [row.cells[2].value for row in shown.slowest[0].rows]
    assert shown_ns == list(response_ns(run)[::-1][:10])


def test_the_facts_of_answers_events_clock_and_processor_are_said_where_there_is_something_to_say(tmp_path):
    path = make_run(tmp_path)
    plain = view.build([judge(summary.load(path))])
    assert not {"answers", "events", "clock"} & dict(plain.runs[0].facts).keys()
    assert not any("not all CPU" in note for note in plain.split.notes)
    directory = RunDirectory(path)
    directory.write_facts(
        msgspec.structs.replace(
            directory.read_facts(),
            judged_by="answers are judged by their status code: 4xx and 5xx count as failed",
            events_changed=1_234,
            replaced_time_s=-3_600.0,
            blocked={"POST /assets": Blocked(stretches=2, held_ns=44_000_000, blocked_ns=43_000_000)},
        )
    )
    shown = view.build([judge(summary.load(path))])
    facts = dict(shown.runs[0].facts)
    assert facts["answers"] == "answers are judged by their status code: 4xx and 5xx count as failed"
    assert facts["events"] == "1,234 calls changed theirs; each call got its event as it was made"
    assert facts["clock"].startswith("the target replaced time.time in its process (it is 1h behind)")
    (note,) = [note for note in shown.split.notes if "not all CPU" in note]
    assert "run of POST /assets" in note
    assert "of its 44 ms in stretches of over 1 ms, 43 ms were blocked" in note


def test_stages_split_the_calls_of_the_plan(built):
    stages = (("before", 0.5, 1.0, 1.0), ("spike", 0.5, 3.0, 3.0))
    shown, (run,) = built({"stages": stages})
    assert [row.label for row in shown.stages.rows] == ["before", "spike"]
    half = run.table[run.table["intended_ns"] < 5e9]
    assert cell(shown.stages, "before", 2).value == len(half) / 5


def test_a_report_of_nothing_is_a_usage_error():
    with pytest.raises(UsageError, match="no run"):
        view.build([])


def test_few_cpu_samples_are_said_to_be_too_few(built):
    shown, _ = built({"folded": {"cpu/cpu.folded": "operation:call;f (m.py) 9\n"}})
    assert "too few to detect" in shown.profile_notes[0]
    shown, _ = built({"folded": {"cpu/cpu.folded": "operation:call;f (m.py) 10000\n"}})
    assert "a difference of about 4 %" in shown.profile_notes[0]


def test_another_machine_or_commit_is_said_beside_the_verdict(built):
    other = {"commit": "4567def", "python": "3.12.0", "packages": {}}
    shown, _ = built({}, {"variant": "optimised", "environment": other})
    assert any("differ in commit, packages and python" in sentence for sentence in shown.verdict.trust)


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0.00567, "0.00567"), (0.358, "0.358"), (0.9996, "1.00"), (1.5, "1.50"), (11, "11.0"), (175.6, "176")],
)
def test_a_factor_has_three_significant_digits(ratio, text):
    assert ratio_text(ratio) == text
