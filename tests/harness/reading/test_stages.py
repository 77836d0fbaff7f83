"""Stages: their calls, their validity, their limits, and how reports show them."""

import dataclasses
import io

import msgspec
import numpy as np
import pytest

from harness.errors import ExitCode
from harness.model import Outcome
from harness.policy.policy import Limit
from harness.policy.slo import State
from harness.policy.thresholds import Level, Threshold, Thresholds
from harness.reading.codes import exit_code
from harness.reading.judging import findings, judge
from harness.reading.run_json import as_json
from harness.reading.stages import rows_of_stages
from harness.reading.summary import load
from harness.table import calls
from reports.run import html, text, view
from tests.support.run_builder import make_run

STAGES = (("low", 0.4, 0.5, 0.5), ("peak", 0.2, 3.0, 3.0), ("after", 0.4, 0.5, 0.5))


def run_of(tmp_path, **changes):
    return load(make_run(tmp_path, **{"stages": STAGES, "warmup_s": 2.0, **changes}))


def late_in(run, label, by_ns):
    """Write a lag of the harness's own into the calls of one stage, and read the run again."""
    path = run.directory.calls_path
    table = np.array(calls.load(path))
    (span,) = [span for span in run.document.plan.spans if span.label == label]
    mine = (table["intended_ns"] >= span.start_s * 1e9) & (table["intended_ns"] < span.end_s * 1e9)
    for column in ("dispatched_ns", "entered_ns", "completed_ns"):
        table[column][mine] += by_ns
    calls.write_table(path, table)
    return load(run.directory.path)


@pytest.mark.parametrize("is_shuffled", [False, True])
def test_every_measured_call_is_in_exactly_one_stage(tmp_path, is_shuffled):
    run = run_of(tmp_path)
    if is_shuffled:
        run = dataclasses.replace(run, table=np.random.default_rng(1).permutation(run.table))
    parts = rows_of_stages(run)
    assert sum(map(len, parts)) == len(run.table)
    for part, (span, summary) in zip(parts, run.stages, strict=True):
        assert len(part) == sum(summary.outcomes.values())
        assert (part["intended_ns"] >= round(span.start_s * 1e9)).all()
        assert (part["intended_ns"] < round(span.end_s * 1e9)).all()


def test_the_stages_of_a_healthy_run_are_valid_and_sum_to_it(tmp_path):
    run = run_of(tmp_path)
    told = as_json(judge(run))
    warmup, *measured = told["stages"]
    assert (warmup["label"], warmup["warmup"]) == ("warm-up", True)
    assert [stage["label"] for stage in measured] == ["low", "peak", "after"]
    assert {stage["validity"] for stage in measured} == {"valid"}
    assert sum(stage["planned"] for stage in measured) == told["planned"]
    assert measured[1]["throughput_per_s"] == pytest.approx(600.0)
    assert told["warmup"]["state"] == "steady"


def test_a_stage_that_the_driver_was_late_in_is_invalid_by_itself_and_degrades_the_run(tmp_path):
    run = late_in(run_of(tmp_path, stages=(("long", 0.96, 1.0, 1.0), ("short", 0.005, 1.0, 1.0)), rate_per_s=400.0), "short", 30_000_000)  # fmt: skip
    long, short = judge(run).stages
    assert (long.validity.level, short.validity.level) == (Level.VALID, Level.INVALID)
    assert judge(run).validity.level is Level.DEGRADED
    assert any("Stage 'short' is invalid by itself" in reason for reason in judge(run).validity.reasons)
    found = findings(judge(run), [Limit(slo="p50<1s", stage="short"), Limit(slo="p50<1s", stage="long")])
    assert [finding.certificate.state for finding in found] == [State.NOT_CERTIFIED, State.CERTIFIED]
    assert "the stage is invalid" in found[0].certificate.sentence


@pytest.mark.parametrize(("stage", "code"), [("short", ExitCode.INVALID), ("long", ExitCode.OK)])
def test_a_stage_with_limits_to_keep_that_is_invalid_is_no_success(tmp_path, stage, code):
    run = late_in(run_of(tmp_path, stages=(("long", 0.96, 1.0, 1.0), ("short", 0.005, 1.0, 1.0)), rate_per_s=400.0), "short", 30_000_000)  # fmt: skip
    assert exit_code([judge(run)]) is ExitCode.OK
    document = run.directory.read()
    plan = msgspec.structs.replace(document.plan, spans=tuple(
        dataclasses.replace(span, slo="p50<1s" if span.label == stage else "") for span in document.plan.spans
    ))  # fmt: skip
    run.directory.write(msgspec.structs.replace(document, plan=plan))
    judged = judge(load(run.directory.path))
    assert judged.validity.level is Level.DEGRADED
    assert exit_code([judged]) is code


def test_stages_are_judged_by_the_thresholds_that_the_run_was_made_under(tmp_path):
    run = late_in(run_of(tmp_path), "peak", 30_000_000)
    assert judge(run).stages[1].validity.level is Level.INVALID
    document = run.directory.read()
    loose = Threshold(1e12, 1e12)
    document.thresholds = Thresholds(lag_ns=loose, lag_share=loose, late_share=loose)
    run.directory.write(document)
    assert judge(load(run.directory.path)).stages[1].validity.level is Level.VALID


def test_a_stage_without_a_completed_call_is_invalid_by_itself(tmp_path):
    run = run_of(tmp_path)
    table = np.array(calls.load(run.directory.calls_path))
    is_peak = (table["intended_ns"] >= 4_000_000_000) & (table["intended_ns"] < 6_000_000_000)
    table["outcome"][is_peak] = Outcome.FAILED
    calls.write_table(run.directory.calls_path, table)
    low, peak, _ = judge(load(run.directory.path)).stages
    assert low.validity.level is Level.VALID
    assert peak.validity.reasons == ("No call of this stage completed",)


def test_a_stage_without_a_call_in_the_plan_says_nothing_and_is_no_fault(tmp_path):
    run = run_of(tmp_path, stages=(("on", 0.5, 1.0, 1.0), ("off", 0.5, 0.0, 0.0)))
    assert [stage.validity.level for stage in judge(run).stages] == [Level.VALID, Level.VALID]
    assert judge(run).stages[1].summary.percentiles("response_ns")["p50"] is None


def test_text_and_page_show_each_stage_and_withhold_what_is_invalid(tmp_path):
    stages = (("long", 0.96, 1.0, 1.0), ("short", 0.005, 1.0, 1.0))
    run = late_in(run_of(tmp_path, stages=stages, rate_per_s=400.0), "short", 30_000_000)
    shown = view.build([judge(run)])
    rows = {row.label: row for row in shown.stages.rows}
    assert rows["short"].cells[-1].text == "invalid"
    assert rows["short"].cells[-4].text == "withheld"
    assert rows["long"].cells[-1].text == "valid"
    (chart,) = [chart for chart in shown.charts if chart.key == "by-stage"]
    assert [panel.title for panel in chart.plot.panels] == ["long"]
    stream = io.StringIO()
    text.render(shown, stream)
    for words in ("Stages", "short", "warm-up: "):
        assert words in stream.getvalue()
    assert "Stage short is invalid" in html.render(shown)


def test_the_tails_of_several_stages_have_a_panel_each_and_those_of_one_have_none(tmp_path):
    several = view.build([judge(run_of(tmp_path))])
    (chart,) = [chart for chart in several.charts if chart.key == "by-stage"]
    assert [panel.title for panel in chart.plot.panels] == ["low", "peak", "after"]
    one = view.build([judge(run_of(tmp_path, stages=(("steady", 1.0, 1.0, 1.0),)))])
    assert "by-stage" not in {chart.key for chart in one.charts}
