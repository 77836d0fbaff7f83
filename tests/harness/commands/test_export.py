"""`harness export`: what is read back is the run; what cannot be written or read is said."""

import csv
import sys

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from harness import cli
from harness.errors import ExitCode
from harness.export import columns
from harness.model import Outcome
from harness.plans.span import Span
from harness.reading.summary import load
from harness.run.directory import RunDirectory
from harness.table import calls, pieces
from harness.work import exporting
from harness.work.retention import foreign
from tests.support.run_builder import make_run

MIXED = {"fail_share": 0.1, "timeout_share": 0.05, "dropped_share": 0.07, "never_share": 0.0005}
WITH_STAGES = {"stages": (("one", 1, 1.0, 1.0), ("two", 1, 2.0, 0.5))}


def export(*words):
    return cli.main(["export", *map(str, words)])


def lines_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_seconds_sum_to_the_run(tmp_path):
    path = make_run(tmp_path, **MIXED)
    assert export(path) is ExitCode.OK
    lines, run = lines_of(path / "export" / "seconds.csv"), load(path)
    for name, part in run.operations.items():
        mine = [line for line in lines if line["operation"] == name]
        assert [int(line["second"]) for line in mine] == list(range(len(mine)))
        total = {
            key: sum(int(line[key]) for line in mine) for key in ("planned", "completed", "failed", "dropped")
        }
        assert total == {
            "planned": sum(part.outcomes.values()),
            "completed": part.outcomes["completed"],
            "failed": part.outcomes["failed"] + part.outcomes["timed_out"],
            "dropped": part.outcomes["dropped"],
        }
        high = max(int(line["max_ns"]) for line in mine if line["max_ns"])
        assert high == part.histograms["response_ns"].high


def test_a_second_has_the_numbers_of_its_calls(tmp_path):
    path = make_run(tmp_path, operations={"GET": 1.0})
    export(path)
    rows = np.load(path / "timing" / "calls.npy")
    inside = rows[(rows["intended_ns"] >= 3 * 10**9) & (rows["intended_ns"] < 4 * 10**9)]
    response = np.sort(inside["completed_ns"] - inside["intended_ns"])
    line = lines_of(path / "export" / "seconds.csv")[3]
    assert int(line["planned"]) == len(inside) == 200
    assert float(line["throughput_per_s"]) == float(line["completed"])
    assert int(line["p50_ns"]) == pytest.approx(response[99], rel=0.005)
    # Two calls lie beyond the p99 of 200: too few to tell it.
    assert line["p99_ns"] == ""
    assert int(line["max_ns"]) == response[-1]


def test_a_percentile_with_too_few_calls_is_empty(tmp_path):
    path = make_run(tmp_path, rate_per_s=20.0, operations={"GET": 1.0})
    export(path)
    line = lines_of(path / "export" / "seconds.csv")[2]
    assert line["p50_ns"]
    assert line["p99_ns"] == ""


def read_parquet(folder):
    return parquet.read_table(folder / "calls.parquet")


def read_arrow(folder):
    with pa.memory_map(str(folder / "calls.arrow")) as file:
        return ipc.open_file(file).read_all()


@pytest.mark.parametrize(("name", "read"), [("parquet", read_parquet), ("arrow", read_arrow)])
def test_every_call_is_read_back_with_names_and_without_what_never_was(tmp_path, monkeypatch, name, read):
    monkeypatch.setattr(pieces, "PIECE_ROWS", 999)
    path = make_run(tmp_path, **WITH_STAGES, **MIXED)
    assert export(path, "--format", name, "-o", tmp_path / "out") is ExitCode.OK
    found = read(tmp_path / "out" / path.name).to_pydict()
    rows = np.load(path / "timing" / "calls.npy")
    names = list(load(path).document.plan.operations)
    assert found["operation"] == [names[number] for number in rows["operation"]]
    assert found["outcome"] == [Outcome(code).label for code in rows["outcome"].tolist()]
    assert found["intended_ns"] == rows["intended_ns"].tolist()
    stages = np.where(
        rows["intended_ns"] < 0, "warm-up", np.where(rows["intended_ns"] < 5 * 10**9, "one", "two")
    )
    assert found["stage"] == stages.tolist()
    back = np.isin(rows["outcome"], [outcome for outcome in Outcome if outcome.returned])
    for column in ("entered_ns", "completed_ns", "run_ns"):
        assert found[column] == [
            v if there else None for v, there in zip(rows[column].tolist(), back, strict=True)
        ]
    never = rows["outcome"] == Outcome.NEVER_STARTED
    assert never.any()
    assert [value is None for value in found["dispatched_ns"]] == never.tolist()


def test_a_file_for_each_operation_and_one_for_all(tmp_path, capsys):
    path = make_run(tmp_path, operations={"GET /a": 0.5, "GET-/a": 0.3, "…": 0.2})
    assert export(path, "--format", "hgrm", "--format", "csv", "--json") is ExitCode.OK
    (one,) = msgspec.json.decode(capsys.readouterr().out)["exports"]
    assert [file.rpartition("/")[2] for file in one["files"]] == [
        "all.hgrm", "GET-a.hgrm", "GET-a-2.hgrm", "operation.hgrm", "seconds.csv",
    ]  # fmt: skip
    assert f"Total count    = {2000:12d}]" in (path / "export" / "all.hgrm").read_text()


@pytest.mark.parametrize("name", exporting.FORMATS)
def test_a_run_with_what_was_written_of_it_may_still_be_removed(tmp_path, name):
    """`harness clean` removes folders of files alone that it knows."""
    profiles = {"cpu": {"file": "cpu/cpu.folded", "facts": {"rate_got_hz": 100.0, "samples": 30}}}
    path = make_run(tmp_path, profiles=profiles)
    (path / "cpu").mkdir(exist_ok=True)
    (path / "cpu" / "cpu.folded").write_text("operation:GET /assets/{id};call (own.py) 30\n")
    assert export(path, "--format", name) is ExitCode.OK
    assert list((path / "export").iterdir())
    assert foreign(path) is None


def test_an_invalid_run_is_written_and_says_so(tmp_path, capsys):
    path = make_run(tmp_path, descheduled_share=0.5)
    assert export(path) is ExitCode.INVALID
    assert (path / "export" / "seconds.csv").exists()
    assert "is invalid: CPU contention 50" in capsys.readouterr().err


def test_without_pyarrow_the_extra_is_named_before_anything_is_written(tmp_path, capsys, monkeypatch):
    path = make_run(tmp_path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert export(path, "--format", "csv", "--format", "parquet") is ExitCode.USAGE
    assert "pip install 'asset-harness[export]'" in capsys.readouterr().err
    assert not (path / "export").exists()


def test_a_write_that_fails_leaves_no_half_of_a_file(tmp_path):
    parts = iter([np.zeros(3, calls.DTYPE), "no table"])
    with pytest.raises(TypeError):
        columns.write_parquet(
            parts, ["a"], (Span("s", 0.0, 1.0, 1.0, 1.0),), tmp_path / "out" / "calls.parquet"
        )
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["nowhere"], ExitCode.INVALID, "no such run directory"),
        ([__file__], ExitCode.INVALID, "no such run directory"),
        (["RUN", "--format", "xml"], ExitCode.USAGE, "invalid choice: 'xml'"),
        (["RUN", "-o", __file__], ExitCode.FAILED, "cannot be written"),
        ([], ExitCode.USAGE, "required: RUN"),
    ],
)
def test_garbage_is_refused_with_a_sentence(tmp_path, capsys, words, code, says):
    run = make_run(tmp_path)
    assert export(*[run if word == "RUN" else word for word in words]) is code
    assert says in capsys.readouterr().err


def test_a_run_that_was_killed_and_has_no_call_can_be_exported(tmp_path):
    path = make_run(tmp_path)
    directory = RunDirectory(path)
    calls.write_table(directory.calls_path, np.zeros(0, calls.DTYPE))
    directory.facts_path.unlink()
    formats = [word for name in ("csv", "hgrm", "parquet", "arrow") for word in ("--format", name)]
    assert export(path, *formats) is ExitCode.INVALID
    assert read_parquet(path / "export").num_rows == 0
    assert {line["planned"] for line in lines_of(path / "export" / "seconds.csv")} == {"0"}
