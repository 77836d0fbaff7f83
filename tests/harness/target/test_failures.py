"""Why calls failed: counted exactly, by reason, in every way in which calls are made, and shown to people."""

import traceback

import msgspec
import pytest

from harness.model import Outcome
from harness.run.directory import RunDirectory
from harness.target.failures import MOST_KINDS, OTHERS, Failure, Failures, merged
from tests.support.cli import inside
from tests.support.run_builder import make_run

SOURCE = """
class Shop:
    operations = {"read": 3, "write": 1}

    def __init__(self):
        self.reads = self.writes = 0

    def make_event(self, operation, rng):
        return operation

    def call(self, event):
        if event == "write":
            self.writes += 1
            return {"status": 503 if self.writes % 2 else 200}
        self.reads += 1
        if self.reads % 10 == 0:
            raise ConnectionError(f"no answer from redis://me:sesame@shop for read {self.reads}")
        if self.reads % 10 == 5:
            raise TimeoutError
        return {"status": 200}

    def outcome(self, result):
        return "completed" if result["status"] == 200 else "failed"

    def failure(self, result):
        return f"status {result['status']}"
"""
WAYS = {
    "open": ("steady", "--rate", "200"),
    "closed": ("closed", "--users", "2", "--think-time", "2ms"),
    "closed at full speed": ("closed", "--users", "2"),
    "without the split": ("steady", "--rate", "200", "--no-split"),
    "two workers": ("steady", "--rate", "200", "--workers", "2"),
}


@pytest.fixture(scope="module", params=WAYS)
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("failing")
    (folder / "shop.py").write_text(SOURCE)
    scenario, *options = WAYS[request.param]
    return inside(
        folder, "run", scenario, "--target", "shop.py:Shop", "--duration", "1s", "--warmup", "100ms", "--json", "--no-report", "--verbose",
        *options, "--out", folder / "runs",
    )  # fmt: skip


def counted(run, operation, outcome):
    return sum(
        one["count"] for one in run["failures"] if (one["operation"], one["outcome"]) == (operation, outcome)
    )


def test_the_reasons_add_up_to_the_outcomes_of_the_measured_time(run):
    document = run.run
    assert document["outcomes"]["failed"] > 0
    assert (
        counted(document, "read", "failed") + counted(document, "write", "failed")
        == document["outcomes"]["failed"]
    )
    assert counted(document, "read", "timed_out") == document["outcomes"]["timed_out"] > 0
    assert counted(document, "read", "failed") == document["operations"]["read"]["failed"]


def test_each_reason_has_its_name_place_and_first_message(run):
    found = {(one["operation"], one["outcome"]): one for one in run.run["failures"]}
    refused, late, answered = found["read", "failed"], found["read", "timed_out"], found["write", "failed"]
    assert (refused["what"], late["what"], answered["what"]) == (
        "ConnectionError",
        "TimeoutError",
        "status 503",
    )
    assert refused["where"].startswith("Shop.call (shop.py:")
    assert refused["example"].startswith("no answer from redis://[redacted]@shop for read ")
    assert (late["example"], answered["where"], answered["example"]) == ("", "", "")
    assert all(0 <= one["first_ns"] <= one["last_ns"] for one in found.values())


def test_the_terminal_names_the_most_frequent_reasons(run):
    said = " ".join(run.stderr.split())
    assert "× status 503 from write" in said
    assert "× ConnectionError from read, in Shop.call (shop.py:" in said


def fail(failures, text, operation=0, at_ns=1):
    try:
        raise KeyError(text)
    except KeyError as error:
        failures.raised(error)
    failures.count(operation, Outcome.FAILED, at_ns)


def test_one_kind_keeps_its_first_message_and_its_times():
    failures = Failures()
    for number in (5, 3, 9):
        fail(failures, f"k{number}", at_ns=number)
    (one,) = failures.found(["read"])
    assert (one.count, one.first_ns, one.last_ns, one.example) == (3, 3, 9, "'k5'")


def test_one_object_that_is_raised_again_and_again_does_not_grow():
    failures, error = Failures(), ValueError("always the same")
    lengths = []
    for _ in range(5):
        try:
            raise error
        except ValueError as caught:
            lengths.append(len(list(traceback.walk_tb(caught.__traceback__))))
            failures.raised(caught)
    assert lengths == [1] * 5


def test_operations_are_told_apart_and_the_most_frequent_comes_first():
    failures = Failures()
    fail(failures, "a", 0)
    fail(failures, "a", 1)
    fail(failures, "a", 1)
    assert [(one.operation, one.count) for one in failures.found(["read", "write"])] == [
        ("write", 2),
        ("read", 1),
    ]


def test_reasons_without_end_are_bounded_and_none_is_lost():
    failures = Failures()
    for number in range(3 * MOST_KINDS):
        failures.answered(str(number))
        failures.count(0, Outcome.FAILED, number)
    found = failures.found(["read"])
    assert len(found) == MOST_KINDS + 1
    assert (found[0].what, found[0].count) == (OTHERS, 2 * MOST_KINDS)
    assert sum(one.count for one in found) == 3 * MOST_KINDS


class Hostile(Exception):  # noqa: N818
    def __str__(self):
        raise SystemExit


def test_exceptions_that_cannot_be_looked_at_are_counted_all_the_same():
    failures = Failures()
    try:
        raise Hostile
    except Hostile as error:
        failures.raised(error)
    failures.count(0, Outcome.FAILED, 1)
    failures.answered("")
    failures.count(0, Outcome.FAILED, 2)
    assert {(one.what.rpartition(".")[2], one.example) for one in failures.found(["read"])} == {
        ("Hostile", ""),
        ("answered with a failure", ""),
    }


def test_parts_add_up_and_the_earliest_message_stands():
    def part(count, first_ns, last_ns, example, what="KeyError"):
        return Failure(
            operation="read", outcome="failed", what=what, where="f (a.py:1)", example=example, count=count,
            first_ns=first_ns, last_ns=last_ns,
        )  # fmt: skip

    whole = merged([[part(2, 50, 90, "late"), part(1, 1, 1, "", "OSError")], [part(3, 10, 60, "early")]])
    assert whole == [part(5, 10, 90, "early"), part(1, 1, 1, "", "OSError")]


def test_the_page_shows_the_table_and_a_hostile_message_is_text(tmp_path):
    directory = RunDirectory(make_run(tmp_path, rate_per_s=50.0, duration_s=2.0, fail_share=0.1))
    facts = directory.read_facts()
    failure = Failure(
        operation="GET /health", outcome="failed", what="ValueError", where="f (a.py:1)",
        example="<script>alert(1)</script>", count=3, first_ns=1, last_ns=9,
    )  # fmt: skip
    directory.write_facts(msgspec.structs.replace(facts, failures=[failure]))
    page = tmp_path / "report.html"
    assert inside(None, "report", directory.path, "-o", page).code in {0, 5}
    text = page.read_text()
    assert "Why calls failed" in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert(1)" not in text
