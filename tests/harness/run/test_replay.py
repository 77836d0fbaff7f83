"""Traces from files: what is read, and the line of what cannot be."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ExitCode, UsageError
from harness.run.replay import read_trace
from tests.support.cli import inside, measured
from tests.support.run_builder import Spec, make_run


def read(tmp_path, content, name="trace.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_trace(path)


def told(trace):
    names = [trace.names[number] for number in trace.operation]
    return trace.times_ns.tolist(), names


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "time,operation\n5.0,a\n5.5,b\n"),
        ("t.csv", "\ufeffOperation,status,Time_s\r\na,200,5.0\r\nb,500,5.5\r\n"),
        ("t.csv", "5.0,a\n\n5.5,b"),
        ("t.csv", "5.5,b\n5.0,a\n"),
        ("t.csv", "2026-01-02T03:04:05Z,a\n2026-01-02T03:04:05.500+00:00,b\n"),
        ("t.csv", '"5.0","a"\n"5.5","b"\n'),
        ("t.jsonl", '{"time": 5, "operation": "a"}\n\n{"time": 5.5, "operation": "b", "status": 200}\n'),
        ("log.txt", '{"time": "2026-01-02T03:04:05", "operation": "a"}\n{"time": "2026-01-02T03:04:05.5", "operation": "b"}\n'),
    ],
)  # fmt: skip
def test_times_count_from_the_earliest_and_operations_go_with_them(tmp_path, name, content):
    trace = read(tmp_path, content, name)
    assert told(trace) == ([0, 500_000_000], ["a", "b"])
    assert trace.duration_s == 1.0


@pytest.mark.parametrize(
    "content", ["time\n1\n2\n4\n", "1\n2\n4\n", '{"time": 1}\n{"time": 2}\n{"time": 4}\n']
)
def test_operations_may_be_left_out(tmp_path, content):
    assert told(read(tmp_path, content)) == ([0, 1_000_000_000, 3_000_000_000], [])


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        ("time,operation\n1,a\nsoon,b\n", 3, "'soon' is not a time"),
        ("1,a\nnan,b\n", 2, "'nan' is not a time"),
        ("1,a\n2,b,c\n3\n", 3, "fewer than the first"),
        ("1,2,3\n", 1, "no head that names 'time'"),
        ("1,a\n2,\n", 2, "some lines name an operation"),
        ('1,"a\n', 1, "this is not CSV"),
        ("1,a\n99999999999,b\n", 2, "days after the first"),
        ('{"time": 1}\n{"tim": 2}\n', 2, "required field `time`"),
        ('{"time": 1}\n[2]\n', 2, "this is not an arrival"),
        ('{"time": 1}\n{"time": 2\n', 2, "this is not an arrival"),
        (b"1,a\n2,\xff\n", 2, "not UTF-8 text"),
    ],
)
def test_a_line_that_is_no_arrival_is_named(tmp_path, content, line, why):
    with pytest.raises(UsageError) as caught:
        read(tmp_path, content)
    assert why in caught.value.what
    assert caught.value.where.endswith(f"trace.csv:{line}")
    assert caught.value.remedy.startswith("A line is")


@pytest.mark.parametrize("content", ["", "\n\n", "time,operation\n"])
def test_a_trace_without_an_arrival_is_refused(tmp_path, content):
    with pytest.raises(UsageError, match="no arrival"):
        read(tmp_path, content)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["trace.csv", "trace.jsonl"]))
def test_any_bytes_are_a_trace_or_a_refusal(tmp_path_factory, content, name):
    try:
        trace = read(tmp_path_factory.mktemp("any"), content, name)
    except UsageError:
        return
    assert len(trace.times_ns) >= 1
    assert np.all(np.diff(trace.times_ns) >= 0)


def test_a_run_is_replayed_as_it_was_planned(tmp_path):
    folder = make_run(tmp_path, duration_s=2.0, warmup_s=1.0)
    trace = read_trace(folder)
    rows = measured(folder)
    assert np.array_equal(trace.times_ns, rows["intended_ns"])
    assert trace.duration_s == 2.0
    assert trace.mix.keys() == Spec().operations.keys()
    assert np.array_equal(read_trace(folder / "timing" / "calls.npy").times_ns, trace.times_ns)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no run to replay.*CSV"):
        read_trace(tmp_path)


def test_a_trace_is_run_line_by_line_and_can_be_run_again_from_its_run(tmp_path):
    lines = [{"time": 0.02 * number, "operation": "call"} for number in range(30)]
    path = tmp_path / "trace.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ("--target", "known:noop", "--warmup", "0s", "--json", "--no-report", "--out", tmp_path / "out")
    said = inside(None, "run", "replay", "--replay", path, "--rate", 100, *words)
    assert said.run["planned"] == sum(said.run["outcomes"].values()) == 30
    intended_ns = measured(said.run["dir"])["intended_ns"]
    assert np.allclose(np.diff(intended_ns), 10_000_000, atol=2)
    again = inside(None, "run", "steady", "--replay", said.run["dir"], *words)
    assert np.array_equal(measured(again.run["dir"])["intended_ns"], intended_ns)


def test_an_operation_that_the_target_lacks_is_refused_before_the_run(tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text("0,buy\n1,sell\n")
    said = inside(
        None, "run", "replay", "--replay", path, "--target", "known:noop", "--out", tmp_path / "out"
    )
    assert said.code == ExitCode.USAGE
    assert "The trace needs operation 'buy', which the target does not offer. It offers: call" in said.error
