"""Answers, judged by the target itself or by their status, and what is said of a judge that cannot judge."""

import collections
import enum
import http
import types

import pytest

from harness.errors import TargetError
from harness.model import Outcome
from harness.target.answers import USUAL, judge_of, read_expected
from harness.target.loading import make

COMPLETED, FAILED = Outcome.COMPLETED, Outcome.FAILED


class Plain:
    def call(self, event):
        """Called by no test."""


class Slotted:
    __slots__ = ("statusCode",)

    def __init__(self, status):
        self.statusCode = status


class Raising:
    @property
    def status_code(self):
        raise RuntimeError("not read yet")


def with_attributes(**values):
    return types.SimpleNamespace(**values)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"statusCode": 200}, COMPLETED),
        ({"statusCode": 404}, FAILED),
        ({"statusCode": 500, "body": ""}, FAILED),
        ({"statusCode": "502"}, FAILED),
        ({"statusCode": http.HTTPStatus.BAD_GATEWAY}, FAILED),
        ({"status_code": 429}, FAILED),
        ({"status_code": "429"}, COMPLETED),
        ({"status": 503, "headers": {}}, FAILED),
        ({"status": 503, "data": None}, FAILED),
        ({"status": 503}, COMPLETED),
        ({"status": "503", "body": ""}, COMPLETED),
        (collections.OrderedDict(statusCode=503), FAILED),
        (types.MappingProxyType({"statusCode": 503}), FAILED),
        ({"statusCode": True}, COMPLETED),
        ({"statusCode": 99}, COMPLETED),
        ({"statusCode": 600}, COMPLETED),
        ({"statusCode": None, "status_code": 500}, FAILED),
        ({"FunctionError": "Unhandled", "StatusCode": 200}, FAILED),
        ({"errorMessage": "boom", "errorType": "KeyError"}, FAILED),
        ({"errorMessage": "none"}, COMPLETED),
        (with_attributes(status_code=301), COMPLETED),
        (with_attributes(status_code=400), FAILED),
        (with_attributes(status=500, headers={}), FAILED),
        (with_attributes(status=500), COMPLETED),
        (with_attributes(status="500 Oh", headers={}), COMPLETED),
        (Slotted(503), FAILED),
        (Slotted("503"), FAILED),
        (Raising(), COMPLETED),
        (None, COMPLETED),
        (503, COMPLETED),
        ("503", COMPLETED),
        (object(), COMPLETED),
    ],
)
def test_an_answer_is_judged_by_its_status_where_it_has_one(answer, outcome):
    judge = judge_of(Plain(), USUAL)
    # Twice: the second time its type is known.
    assert [judge(answer, "read"), judge(answer, "read")] == [outcome, outcome]
    assert not judge.fault


def test_a_type_without_a_status_is_asked_once_and_one_that_may_have_one_each_time():
    judge = judge_of(Plain(), USUAL)
    for answer in (object(), {"a": 1}, with_attributes(a=1)):
        judge(answer)
    assert object in judge.passed
    assert not judge.passed & {dict, types.SimpleNamespace}
    assert judge(with_attributes(status_code=500)) == FAILED


def test_the_reason_is_the_status_and_the_rule_is_told_once_a_status_was_seen():
    judge = judge_of(Plain(), USUAL)
    assert judge({"no": "status"}) == COMPLETED
    assert judge.rule() == ""
    assert (judge({"statusCode": 503}), judge.reason({"statusCode": 503})) == (FAILED, "answered 503")
    assert judge.rule() == "answers are judged by their status code: 4xx and 5xx count as failed"
    assert judge.reason({"errorMessage": "boom", "errorType": "KeyError"}) == "answered errorType KeyError"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (404, USUAL | {404}),
        ({404, "500-502"}, USUAL | {404, 500, 501, 502}),
        (["200-299", 404], frozenset(range(200, 300)) | {404}),
        ("200-399, 404", frozenset(range(200, 400)) | {404}),
        ([http.HTTPStatus.NOT_FOUND], USUAL | {404}),
        ([], frozenset()),
    ],
)
def test_expected_statuses_of_400_and_above_are_expected_beside_those_below(words, expected):
    assert read_expected(words) == expected


@pytest.mark.parametrize(
    "words", ["", "2xx", [99], ["300-200"], [True], 7.5, {404: 1}, [None], ["200-600"], ["-404"]]
)
def test_what_is_no_status_is_refused(words):
    with pytest.raises(ValueError, match=r"status|100 to 599"):
        read_expected(words)


def test_the_spec_says_what_is_expected_before_the_target_does_and_no_factory_gets_it(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "mine.py"
    path.write_text(
        "class create:\n    expected_statuses = {404}\n    def call(self, event):\n        return event\n"
    )
    judge = make(f"{path}:create", {}).judge
    assert [judge({"statusCode": status}) for status in (200, 404, 409)] == [COMPLETED, COMPLETED, FAILED]
    judge = make(f"{path}:create", {"expect-status": "200-299,409"}).judge
    assert [judge({"statusCode": status}) for status in (302, 404, 409)] == [FAILED, FAILED, COMPLETED]
    assert judge.rule() == "answers are judged by their status code: all but 200-299, 409 count as failed"
    with pytest.raises(TargetError, match="expect-status cannot be read: '9' is not within"):
        make(f"{path}:create", {"expect-status": "9"})


class Word(enum.StrEnum):
    GOOD = "completed"


def judging(outcome, **more):
    return type("Judging", (Plain,), {"outcome": lambda _self, result: outcome(result), **more})()


@pytest.mark.parametrize("said", ["timed_out", Outcome.TIMED_OUT])
def test_a_judge_may_answer_with_the_outcome_or_its_label(said):
    judge = judge_of(judging(lambda _result: said), USUAL)
    assert (judge(None), judge.fault) == (Outcome.TIMED_OUT, "")
    assert judge_of(judging(lambda _result: Word.GOOD), USUAL)(None) == COMPLETED


@pytest.mark.parametrize("said", [True, None, [], {}, 2, "wonderful", "dropped", Outcome.DROPPED, 0.5])
def test_a_judge_that_answers_nonsense_is_named_with_what_it_said_and_where(said):
    judge = judge_of(judging(lambda _result: said), USUAL)
    heard = []
    judge.on_fault = lambda: heard.append(judge.fault)
    assert [judge("a", "read"), judge("b", "write")] == [FAILED, FAILED]
    assert len(heard) == 1
    assert heard[0].startswith(
        "The target's outcome(result) cannot judge an answer of operation 'read': it returned "
    )
    assert "test_answers.py:" in heard[0]


@pytest.mark.parametrize("method", ["outcome", "failure"])
def test_a_judge_that_raises_is_named_with_the_exception_and_the_line(method):
    def broken(_self, result):
        return result["ok"]

    target = type(
        "Broken", (Plain,), {"outcome": lambda _self, _result: "failed", "failure": str, method: broken}
    )()
    judge = judge_of(target, USUAL)
    judge({}, "read")
    judge.reason({}, "read")
    assert judge.fault.startswith(
        f"The target's {method}(result) cannot judge an answer of operation 'read': it raised KeyError: 'ok'"
    )
    assert "test_answers.py:" in judge.fault


def test_what_ends_the_driver_passes_through_a_judge():
    def stop(_result):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge_of(judging(stop), USUAL)(None)
