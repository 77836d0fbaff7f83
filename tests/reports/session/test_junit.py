"""JUnit XML: legal whatever the names are, and as red as the gate."""

from xml.etree import ElementTree as ET

import pytest

from harness.errors import ExitCode
from harness.judge.verdict import Comparison, Kind, Verdict
from reports.session.junit import WHOLE, render_junit
from reports.session.model import Links
from reports.session.view import build
from tests.support import judgement_builder as built


def suite(judgement, **more):
    return ET.fromstring(render_junit(build(judgement, built.receipt(), Links(), **more))).find("testsuite")


def outcomes(judgement, **more):
    """Return {name of the benchmark: outcome} with the session as a whole under its own name."""
    found = {}
    for case in suite(judgement, **more).iter("testcase"):
        kinds = [child.tag for child in case if child.tag in {"failure", "error", "skipped"}]
        name = case.get("name") if case.get("name") == WHOLE else case.get("classname")
        found[name] = kinds[0] if kinds else "passed"
    return found


def one(verdict, **more):
    return built.judgement(built.paired("a", verdict, 0.05, **more), verdict=verdict)


@pytest.mark.parametrize(
    ("verdict", "strict", "outcome"),
    [
        (Verdict.OK, True, "passed"),
        (Verdict.IMPROVED, True, "passed"),
        (Verdict.REGRESSED, False, "failure"),
        (Verdict.INCONCLUSIVE, False, "skipped"),
        (Verdict.INCONCLUSIVE, True, "failure"),
        (Verdict.INVALID, False, "error"),
        (Verdict.NEW, True, "passed"),
        (Verdict.REMOVED, True, "passed"),
    ],
)
def test_each_verdict_has_one_outcome(verdict, strict, outcome):
    assert outcomes(one(verdict), strict=strict)["a"] == outcome


def test_an_accepted_regression_passes_and_says_why():
    judgement = built.judgement(built.paired("a", Verdict.REGRESSED, 0.1, accepted="the price of audit"))
    assert outcomes(judgement) == {WHOLE: "passed", "a": "passed"}
    assert "the price of audit" in "".join(suite(judgement).itertext())


def test_strictness_is_read_from_policy_or_exit_code_unless_told():
    judgement = one(Verdict.INCONCLUSIVE)
    strict_policy = build(judgement, built.receipt(policy={"strict": True}), Links())
    by_code = build(
        built.judgement(*judgement.comparisons, verdict=Verdict.INCONCLUSIVE, code=ExitCode.INCONCLUSIVE),
        built.receipt(),
        Links(),
    )
    assert strict_policy.strict
    assert by_code.strict
    assert not build(judgement, built.receipt(policy={"strict": True}), Links(), strict=False).strict


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [(Verdict.INVALID, "error"), (Verdict.INCONCLUSIVE, "skipped"), (Verdict.REGRESSED, "failure")],
)
def test_a_session_whose_comparisons_do_not_carry_its_verdict_is_no_green_tick(verdict, outcome):
    assert outcomes(built.judgement(built.paired("a"), verdict=verdict)) == {WHOLE: outcome, "a": "passed"}
    assert outcomes(built.judgement(verdict=verdict)) == {WHOLE: outcome}


def test_a_verdict_that_a_comparison_carries_is_counted_once():
    assert outcomes(one(Verdict.REGRESSED)) == {WHOLE: "passed", "a": "failure"}


def test_the_totals_are_those_of_the_cases():
    found = suite(built.regressed_session())
    counts = [int(found.get(name)) for name in ("tests", "failures", "errors", "skipped")]
    assert counts == [14, 2, 0, 1]
    assert [len(list(found.iter(tag))) for tag in ("testcase", "failure", "error", "skipped")] == counts


def test_names_that_xml_forbids_are_written_as_their_code_points():
    hostile = "a\x00\x0b\ud800\uffff\u202e]]><x y='\"&\n"
    found = suite(built.judgement(Comparison(hostile, hostile, Kind.PAIRED, Verdict.NEW, note=hostile)))
    case = found.findall("testcase")[1]
    expected = "a\\u0000\\u000b\\ud800\\uffff\\u202e]]><x y='\"&\\u000a"
    assert case.get("classname") == case.get("name") == expected
    assert case.find("system-out").text.endswith(expected)


def test_a_failure_says_how_much_and_on_what_it_rests():
    case = suite(one(Verdict.REGRESSED)).findall("testcase")[1]
    assert case.find("failure").get("message") == "regressed: +5.0 % (4.4 to 5.6 %)"
    assert "16 fresh blocks, p = 0.0002" in case.find("failure").text
