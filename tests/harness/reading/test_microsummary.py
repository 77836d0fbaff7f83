"""A run directory of micro-benchmarks to numbers: units, what is missing, and whether the rest may be used."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InvalidRunError
from harness.micro.document import End, read_benchmarks
from harness.policy.thresholds import Level
from harness.reading import microsummary
from harness.run.directory import RunDirectory
from harness.run.documents import HostFacts
from harness.work import retention
from tests.support.micro_builder import entry, make_micro_run

A, B = "test_a.py::test_one", "test_a.py::test_two[x]"


def load(tmp_path, *entries, **document):
    return microsummary.load(make_micro_run(tmp_path, *entries, **document))


def test_times_are_in_ns_per_call(tmp_path):
    run = load(tmp_path, entry(A, 0.002, spread=0.5, rounds=30, iterations=4, per_call=100))
    found = run.benchmarks[A]
    assert (found.median_ns, found.min_ns, found.max_ns) == pytest.approx((2e6, 1.8e6, 6e6))
    assert found.iqr_ns == pytest.approx(1e6)
    assert found.ops_per_s == pytest.approx(500)
    assert (found.rounds, found.iterations, found.per_call) == (30, 4, 100)


def test_a_run_of_which_all_was_measured_is_valid(tmp_path):
    run = load(tmp_path, entry(A), entry(B))
    assert list(run.benchmarks) == [A, B]
    assert run.validity.level is Level.VALID
    assert run.missing == {}


def test_a_benchmark_that_failed_has_no_times_though_its_file_holds_some(tmp_path):
    run = load(tmp_path, entry(A), entry(B), ends={B: End("failed", "AssertionError: wrong")})
    assert list(run.benchmarks) == [A]
    assert run.failed == run.missing == {B: "failed: AssertionError: wrong"}
    assert run.validity.level is Level.INVALID
    assert run.validity.reasons == (f"{B} failed: AssertionError: wrong",)


def test_a_file_that_cannot_be_imported_is_missing_data(tmp_path):
    run = load(tmp_path, entry(A), broken={"test_b.py": "SyntaxError: no"})
    assert run.failed == {"test_b.py": "cannot be imported: SyntaxError: no"}
    assert run.validity.level is Level.INVALID


def test_a_skip_is_said_and_voids_nothing(tmp_path):
    run = load(tmp_path, entry(A), planned=[A, B], ends={B: End("skipped", "no such machine")})
    assert run.missing == {B: "skipped: no such machine"}
    assert run.failed == {}
    assert run.validity.level is Level.VALID


def test_nothing_but_skips_is_no_measurement(tmp_path):
    run = load(tmp_path, planned=[A], ends={A: End("skipped", "x")})
    assert run.validity.reasons == ("No benchmark was measured",)
    assert run.validity.level is Level.INVALID


def test_an_interrupted_run_covers_its_first_part(tmp_path):
    run = load(tmp_path, entry(A), planned=[A, B], interrupted=True)
    assert run.validity.level is Level.DEGRADED
    assert "1 of 2 benchmarks are measured" in run.validity.reasons[0]
    assert run.missing == {B: "interrupted before its end"}


def test_a_run_that_was_cut_off_is_read_and_invalid(tmp_path):
    run = load(tmp_path, entry(A), planned=[A, B], status="running")
    assert list(run.benchmarks) == [A]
    assert run.missing == {B: "never ended"}
    assert run.validity.level is Level.INVALID


def test_times_that_are_not_there_are_said(tmp_path):
    run = load(tmp_path, entry(A), times=False)
    assert run.validity.level is Level.INVALID
    assert "The times are missing" in run.trouble[0]


def test_a_test_that_never_called_benchmark_left_no_times(tmp_path):
    run = load(tmp_path, entry(A), planned=[A, B], ends={B: End("passed")})
    assert run.validity.level is Level.INVALID
    assert f"{B} ended well but left no times" in run.trouble[0]


@pytest.mark.parametrize(("rounds", "reasons"), [(9, 1), (10, 0)])
def test_too_few_rounds_are_a_reservation(tmp_path, rounds, reasons):
    run = load(tmp_path, entry(A, rounds=rounds), entry(B))
    assert run.validity.level is (Level.DEGRADED if reasons else Level.VALID)
    assert len(run.validity.reasons) == reasons
    assert all(A in reason and B not in reason for reason in run.validity.reasons)


@pytest.mark.parametrize(
    ("share", "level"),
    [(0.02, Level.VALID), (0.03, Level.DEGRADED), (0.9, Level.DEGRADED), (None, Level.VALID)],
)
def test_a_busy_machine_degrades_a_run_and_never_voids_it(tmp_path, share, level):
    assert load(tmp_path, entry(A), host=HostFacts(descheduled_share=share)).validity.level is level


@pytest.mark.parametrize(("spread", "noisy"), [(0.09, False), (0.11, True)])
def test_a_wide_middle_half_is_noisy(tmp_path, spread, noisy):
    assert microsummary.is_noisy(load(tmp_path, entry(A, spread=spread)).benchmarks[A]) is noisy


@pytest.mark.parametrize(
    ("field", "value"), [("median", -1.0), ("rounds", 0), ("q1", "x"), ("max", 1e11), ("mean", None)]
)
def test_a_file_with_impossible_times_is_damaged(tmp_path, field, value):
    path = tmp_path / "benchmarks.json"
    damaged = entry(A)
    damaged["stats"][field] = value
    path.write_bytes(msgspec.json.encode({"benchmarks": [damaged]}))
    with pytest.raises(InvalidRunError, match="damaged"):
        read_benchmarks(path)


@given(st.recursive(st.none() | st.booleans() | st.floats(0, 1) | st.text(), st.lists, max_leaves=5))
def test_any_extra_info_can_stand_in_the_file(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("any") / "benchmarks.json"
    path.write_text(json.dumps({"benchmarks": [entry(A, per_call=value)]}))
    assert read_benchmarks(path)[A].per_call == 1


def test_a_load_run_is_not_read_as_a_micro_run(tmp_path):
    directory = RunDirectory(make_micro_run(tmp_path, entry(A)))
    with pytest.raises(InvalidRunError, match="This is a micro run, not a load run"):
        directory.read()
    content = json.loads(directory.document_path.read_text())
    directory.document_path.write_text(json.dumps(content | {"kind": "load"}))
    with pytest.raises(InvalidRunError, match="This is a load run, not a micro run"):
        microsummary.load(directory.path)


def test_json_names_every_figure_and_what_is_missing(tmp_path):
    run = load(tmp_path, entry(A, per_call=10), entry(B), ends={B: End("failed", "no")})
    document = microsummary.as_json(run)
    assert document["benchmarks"][A]["median_ns"] == pytest.approx(1e6)
    assert document["benchmarks"][A]["per_call"] == 10
    assert document["missing"] == {B: "failed: no"}
    assert (document["planned"], document["validity"], document["interrupted"]) == (2, "invalid", False)
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_old_runs_of_either_kind_are_found_for_removal(tmp_path):
    ended, running = (make_micro_run(tmp_path, entry(A), status=status) for status in ("finished", "running"))
    assert [stored.path for stored in retention.find(tmp_path).runs] == [ended]
    assert running.exists()
