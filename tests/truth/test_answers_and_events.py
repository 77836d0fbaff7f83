"""What targets answer and do to their events, through the command line: no failure is taken for a success."""

import json

import pytest

from tests.support.cli import inside, returned, table
from tests.support.exact import few_requests

TARGET = """
import io
import itertools
import time


class Served:
    operations = {"dict": 1, "object": 1, "missing": 1, "buffer": 1, "pop": 1, "generator": 1}

    def __init__(self):
        self.turns = {name: itertools.count(1) for name in self.operations}

    def make_event(self, operation, rng):
        body = {"buffer": io.BytesIO(b"body"), "pop": {"body": b"body"}, "generator": (part for part in [b"body"])}
        return body.get(operation, operation)

    def call(self, event):
        if isinstance(event, str):
            status = 404 if event == "missing" else 200 if next(self.turns[event]) % 3 else 503
            return {"statusCode": status} if event == "dict" else Answer(status)
        if isinstance(event, dict):
            assert event.pop("body") == b"body"
        elif isinstance(event, io.BytesIO):
            assert event.read() == b"body"
        else:
            assert next(event) == b"body"


class Answer:
    def __init__(self, status):
        self.status_code = status


class Waiting:
    def call(self, event):
        time.sleep(0.001)
        return "answer"

    def outcome(self, result):
        time.sleep(0.003)
        return "completed"


class Broken:
    def call(self, event):
        time.sleep(0.001)
        return {}

    def outcome(self, result):
        return result["ok"]


class Fast:
    def __init__(self, status):
        self.answer = {"statusCode": int(status)}

    def call(self, event):
        return self.answer
"""
AWAITED = (
    TARGET.replace("def call", "async def call")
    .replace("time.sleep(0.001)", "await asyncio.sleep(0.001)")
    .replace("import io", "import asyncio, io", 1)
)
SHORT = ("--users", 2, "--warmup", "0.1s", "--duration", "1s", "--json")


@pytest.fixture(scope="module", params=[TARGET, AWAITED], ids=["gevent", "asyncio"])
def folder(tmp_path_factory, request):
    path = tmp_path_factory.mktemp("own")
    (path / "own.py").write_text(request.param)
    (path / "pyproject.toml").write_text("[tool.harness]\nexpect-status = [404]\n")
    return path


@pytest.fixture(scope="module")
def served(folder):
    said = inside(folder, "run", "closed", "--target", "own.py:Served", *SHORT)
    return said.run


def test_answers_of_400_and_above_have_failed_unless_they_are_expected(served):
    operations = served["operations"]
    for name in ("dict", "object"):
        # The answers take turns; the two users may overtake each other where the measured time begins and ends.
        assert operations[name]["failed"] == pytest.approx(operations[name]["count"] / 3, abs=4)
        assert operations[name]["failed"]
    assert operations["missing"]["failed"] == 0
    assert {(one["operation"], one["what"]) for one in served["failures"]} == {
        ("dict", "answered 503"), ("object", "answered 503")
    }  # fmt: skip
    assert (
        served["judged_by"] == "answers are judged by their status code: all but 100-399, 404 count as failed"
    )


def test_no_call_gets_an_event_that_another_used_up(served):
    operations = served["operations"]
    for name in ("buffer", "pop", "generator"):
        # An operation has 4,096 events at most, and 64 where they may hold on to something.
        assert operations[name]["count"] > 64
        assert operations[name]["failed"] == 0
    assert served["events_changed"] >= operations["pop"]["count"] - 2


def test_a_judge_that_waits_is_charged_to_no_call(folder):
    said = inside(folder, "run", "closed", "--target", "own.py:Waiting", "--users", 1, *SHORT[2:])
    rows = returned(table(said.run["dir"] if said.run["dir"].startswith("/") else folder / said.run["dir"]))
    assert len(rows)
    assert (rows["run_ns"] >= 0).all()
    assert (rows["wait_busy_ns"] >= 0).all()
    # The judge waits for 3 ms, less what a timer may be early: the next call is intended after that.
    assert (rows["intended_ns"][1:] - rows["completed_ns"][:-1] > 2_000_000).all()
    assert any("judged answers and renewed events" in reason for reason in said.run["reasons"])


def test_a_judge_that_raises_ends_the_run_and_is_named_with_operation_exception_and_line(folder):
    said = inside(folder, "run", "steady", "--target", "own.py:Broken", "--rate", 50, *SHORT[2:])
    assert said.code == 5
    (reason,) = [one for one in said.run["reasons"] if "cannot judge" in one]
    assert reason.endswith(
        "cannot judge an answer of operation 'call': it raised KeyError: 'ok' "
        f"(own.py:{TARGET[: TARGET.index('result[')].count(chr(10)) + 1})"
    )


def test_a_side_that_answers_with_failures_is_not_faster(folder):
    with few_requests():
        said = inside(
            folder, "compare", "target:own.py:Fast?status=200", "target:own.py:Fast?status=503", "--suite", "exact",
            "--json",
        )  # fmt: skip
    assert said.code == 3
    verdicts = {
        (one["benchmark"], one["metric"]): one["verdict"] for one in json.loads(said.stdout)["comparisons"]
    }
    assert verdicts["call", "failures"] == "regressed"
