"""GitHub annotations: one line each, escaped as GitHub's toolkit does, never more than it shows."""

import re

import pytest

from harness.errors import ExitCode
from harness.judge.verdict import Comparison, Kind, Verdict
from reports.session.annotations import is_wanted, render_annotations
from reports.session.model import Links
from reports.session.view import build
from tests.support import judgement_builder as built

COMMAND = re.compile(r"::(error|warning|notice) title=([^:,\r\n]*)::([^\r\n]*)")


def commands(judgement, **more):
    """Return (level, title, message) of every line, unescaped as a runner does."""
    lines = render_annotations(build(judgement, built.receipt(), Links(), **more)).split("\n")
    assert lines.pop() == ""
    return [tuple(map(unescaped, COMMAND.fullmatch(line).groups())) for line in lines]


def unescaped(text):
    for code, character in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def test_the_whole_and_what_asks_for_attention_are_said_at_their_level():
    said = [(level, title) for level, title, _ in commands(built.regressed_session())]
    assert said == [
        ("error", "Performance"),
        ("error", "GET /assets calls.dynamodb regressed"),
        ("error", "bench_merge wall regressed"),
        ("warning", "bench_serialise wall inconclusive"),
        ("notice", "bench_audit wall accepted"),
    ]


@pytest.mark.parametrize(
    ("verdict", "code", "level"),
    [
        (Verdict.OK, ExitCode.OK, "notice"),
        (Verdict.INCONCLUSIVE, ExitCode.OK, "notice"),
        (Verdict.INCONCLUSIVE, ExitCode.INCONCLUSIVE, "warning"),
        (Verdict.REGRESSED, ExitCode.OK, "error"),
        (Verdict.INVALID, ExitCode.INVALID, "error"),
        (Verdict.OK, ExitCode.INTERRUPTED, "error"),
    ],
)
def test_the_sentence_on_the_whole_is_as_loud_as_the_verdict(verdict, code, level):
    assert commands(built.judgement(verdict=verdict, code=code))[0][:2] == (level, "Performance")


def test_a_hostile_name_ends_no_line_and_no_title():
    hostile = "a:b,c%0A%\r\n::error::owned"
    comparison = Comparison(hostile, "m", Kind.PAIRED, Verdict.INVALID, note=hostile)
    _, (level, title, message) = commands(built.judgement(comparison, verdict=Verdict.INVALID))
    seen = "a:b,c%0A%\\u000d\\u000a\\u003a:error::owned"
    assert (level, title) == ("error", f"{seen} m invalid")
    assert message.endswith(seen)


def test_no_more_than_ten_of_a_level_are_said_and_the_rest_is_counted():
    many = [built.paired(f"b{number}", Verdict.REGRESSED, 0.05) for number in range(30)]
    said = commands(built.judgement(*many, verdict=Verdict.REGRESSED))
    assert len(said) == 10
    assert said[-1] == ("error", "Performance", "22 more in the report")


def test_only_a_github_job_reads_them():
    assert is_wanted({"GITHUB_ACTIONS": "true"})
    assert not is_wanted({"GITHUB_ACTIONS": "false"})
    assert not is_wanted({})
