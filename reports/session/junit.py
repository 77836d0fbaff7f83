"""Render a session as JUnit XML: one test case for each comparison, and one for the whole session.

A regression is a failure, an invalid comparison an error, an inconclusive one is skipped (a failure if the gate is
strict). The whole has a case of its own, so that a session without a single comparison is no green tick: it carries
the verdict on the whole wherever no comparison does.
"""

import enum
from xml.etree import ElementTree as ET

from harness.judge.verdict import Verdict
from reports.session.model import Line, SessionView
from reports.shared.visible import visible

SUITE = "harness"
WHOLE = "the session as a whole"


class JUnitResult(enum.StrEnum):
    """Result of a JUnit test case; a case without an element has passed."""

    PASSED = "passed"
    FAILURE = "failure"
    ERROR = "error"
    SKIPPED = "skipped"


def result_of(verdict: Verdict, *, strict: bool, decides: bool = True) -> JUnitResult:
    """Return the JUnit result of a verdict; accepted regressions and informative comparisons have passed."""
    if not decides:
        return JUnitResult.PASSED
    if verdict is Verdict.REGRESSED:
        return JUnitResult.FAILURE
    if verdict is Verdict.INCONCLUSIVE:
        return JUnitResult.FAILURE if strict else JUnitResult.SKIPPED
    return JUnitResult.ERROR if verdict is Verdict.INVALID else JUnitResult.PASSED


def render_junit(view: SessionView) -> str:
    """Return the document; `visible` writes characters that XML 1.0 forbids as their code points."""
    cases = [(line, _line_result(view, line)) for line in view.lines]
    whole = result_of(view.verdict, strict=view.strict)
    if whole in {result for _, result in cases}:
        whole = JUnitResult.PASSED
    counts = [result for _, result in cases] + [whole]
    numbers = {
        "tests": str(len(counts)),
        "failures": str(counts.count(JUnitResult.FAILURE)),
        "errors": str(counts.count(JUnitResult.ERROR)),
        "skipped": str(counts.count(JUnitResult.SKIPPED)),
    }
    root = ET.Element("testsuites", {"name": SUITE, **numbers})
    suite = ET.SubElement(root, "testsuite", {"name": visible(view.title), **numbers})
    _properties(suite, {"verdict": str(view.verdict), "exit_code": str(int(view.exit_code))})
    _add_whole(suite, view, whole)
    for line, result in cases:
        _add_line(suite, line, result)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _line_result(view: SessionView, line: Line) -> JUnitResult:
    return result_of(line.verdict, strict=view.strict, decides=line.word == str(line.verdict))


def _add_whole(suite: ET.Element, view: SessionView, result: JUnitResult) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": SUITE, "name": WHOLE, "time": "0"})
    _say(case, result, str(view.verdict), view.sentence, [*view.points, *view.trust])


def _add_line(suite: ET.Element, line: Line, result: JUnitResult) -> None:
    attributes = {"classname": visible(line.benchmark), "name": visible(line.metric), "time": "0"}
    case = ET.SubElement(suite, "testcase", attributes)
    _properties(case, {"verdict": str(line.verdict), "shown_as": line.word})
    message = ": ".join(filter(None, (line.word, line.headline)))
    _say(case, result, line.word, message, list(line.details))


def _say(case: ET.Element, result: JUnitResult, kind: str, message: str, more: list[str]) -> None:
    details = "\n".join(visible(words) for words in more)
    if result is JUnitResult.PASSED:
        ET.SubElement(case, "system-out").text = "\n".join(filter(None, (visible(message), details)))
        return
    element = ET.SubElement(case, str(result), {"message": visible(message), "type": kind})
    element.text = details


def _properties(parent: ET.Element, values: dict[str, str]) -> None:
    properties = ET.SubElement(parent, "properties")
    for name, value in values.items():
        ET.SubElement(properties, "property", {"name": name, "value": value})
