"""HTML, text, comment, JUnit and exit code say the same of every judgement, whatever it holds."""

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import ExitCode
from harness.judge.document import as_json
from harness.judge.verdict import Comparison, Controls, Judgement, Kind, Site, Verdict
from reports.session.annotations import render_annotations
from reports.session.comment import MARKER, render_comment
from reports.session.files import write_all
from reports.session.html import render_html
from reports.session.junit import WHOLE, render_junit
from reports.session.lines import word_of
from reports.session.model import Links
from reports.session.text import render_text
from reports.session.view import build
from reports.shared.visible import visible
from tests.support import judgement_builder as built
from tests.support.comment_reader import read

names = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["a|b", "`", "<b>", "@x", "a\nb", "]]>", '"', "\ufffe", "::error::"]),
)
numbers = st.one_of(st.none(), st.floats())
changes = st.lists(st.floats(), max_size=5).map(tuple)
sites = st.lists(st.builds(Site, names, st.floats(), st.floats()), max_size=2).map(tuple)
comparisons = st.builds(
    Comparison, names, names, st.sampled_from(Kind), st.sampled_from(Verdict), unit=st.sampled_from(["ns", "share", "per request", "B", "1/s"]),
    base=numbers, candidate=numbers, change=numbers, low=numbers, high=numbers, blocks=st.integers(0, 40), p=numbers,
    margin=numbers, detectable=numbers, blocks_needed=st.one_of(st.none(), st.integers(0, 10**6)), allowed=numbers, note=names,
    changes=changes, screened=changes, sites=sites, counts=st.booleans(), accepted=st.one_of(st.none(), names),
)  # fmt: skip
controls = st.builds(
    Controls,
    st.booleans(),
    numbers,
    numbers,
    changes,
    st.floats(0, 1),
    st.lists(names, max_size=2).map(tuple),
)
judgements = st.builds(
    Judgement, st.sampled_from(Verdict), st.sampled_from(ExitCode), st.lists(comparisons, max_size=5).map(tuple), controls,
    reasons=st.lists(names, max_size=2).map(tuple),
)  # fmt: skip
OUTCOMES = {"regressed": "failure", "invalid": "error", "inconclusive": "skipped"}


class Rows(HTMLParser):
    """Collects what the page says of the whole and of each comparison."""

    def __init__(self):
        super().__init__()
        self.rows, self.whole, self.badges, self._in_badge = [], None, [], False

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "tr" and "data-verdict" in found:
            self.rows.append((found["data-benchmark"], found["data-metric"], found["data-verdict"]))
        if tag == "section" and "data-exit-code" in found:
            self.whole = (found["data-verdict"], int(found["data-exit-code"]))
        self._in_badge = tag == "span" and "mark" in found.get("class", "").split()

    def handle_data(self, data):
        if self._in_badge:
            self.badges.append(data)
            self._in_badge = False


def expected(judgement):
    return sorted(
        (visible(one.benchmark), visible(one.metric), str(one.verdict)) for one in judgement.comparisons
    )


def words(judgement):
    return sorted((visible(one.benchmark).strip(), word_of(one)) for one in judgement.comparisons)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(judgements, st.booleans())
def test_every_format_gives_each_comparison_the_same_verdict(judgement, strict):
    view = build(judgement, built.receipt(), Links(), strict=strict)
    page = Rows()
    page.feed(render_html(view))
    assert sorted(page.rows) == expected(judgement)
    assert sorted(page.badges) == sorted(word for _, word in words(judgement) for _ in range(2))
    assert page.whole == (judgement.verdict, judgement.exit_code)

    suite = ET.fromstring(render_junit(view)).find("testsuite")
    cases = [case for case in suite.iter("testcase") if case.find("properties") is not None]
    verdicts = sorted(
        (case.get("classname"), case.get("name"), case.find("properties")[0].get("value")) for case in cases
    )
    assert verdicts == expected(judgement)
    for case in cases:
        word = case.find("properties")[1].get("value")
        outcome = "failure" if strict and word == "inconclusive" else OUTCOMES.get(word)
        assert [child.tag for child in case][1:] == [outcome or "system-out"]
    assert [item.get("value") for item in suite.find("properties")] == [
        str(judgement.verdict),
        str(int(judgement.exit_code)),
    ]

    document = json.loads(json.dumps(as_json(judgement, "report.html", "receipt.json"), allow_nan=False))
    found = [(one["benchmark"], one["metric"], one["verdict"]) for one in document["comparisons"]]
    assert sorted(tuple(map(visible, row)) for row in found) == expected(judgement)
    assert (document["verdict"], document["exit_code"]) == (judgement.verdict, judgement.exit_code)

    comment = render_comment(view)
    told = [(name, word) for name, word in words(judgement) if word != "watched"]
    assert sorted((row[1], row[0]) for row in read(comment).rows if len(row) == 7) == told
    is_cut_off = judgement.exit_code is ExitCode.INTERRUPTED
    heading = f"interrupted, {judgement.verdict} so far" if is_cut_off else judgement.verdict
    assert comment.startswith(f"{MARKER}\n## Performance: {heading}\n")

    printed = render_text(view, width=1000)
    table = re.findall(
        rf"^({'|'.join((*Verdict, 'accepted', 'watched'))}) .*$",
        printed.partition("─\n")[2].partition("\n\n")[0],
        re.MULTILINE,
    )
    assert sorted(table) == sorted(word for _, word in told)
    assert all(line.startswith("::") for line in render_annotations(view).splitlines())


@settings(max_examples=40, deadline=None)
@given(judgements)
def test_a_session_is_red_in_junit_whenever_the_judge_is(judgement):
    root = ET.fromstring(render_junit(build(judgement, built.receipt(), Links(), strict=False)))
    tags = {element.tag for element in root.iter()}
    if judgement.verdict in OUTCOMES:
        assert OUTCOMES[judgement.verdict] in tags
    assert WHOLE in {case.get("name") for case in root.iter("testcase")}


def test_the_files_are_written_whole_beside_the_receipt(tmp_path):
    view = build(built.regressed_session(), built.receipt(), Links())
    written = write_all(view, tmp_path / "session")
    assert sorted(path.name for path in (tmp_path / "session").iterdir()) == [
        "comment.md",
        "junit.xml",
        "report.html",
    ]
    assert written.report.read_text("utf-8") == render_html(view)
    assert written.comment.read_text("utf-8") == render_comment(view)
    assert written.junit.read_text("utf-8") == render_junit(view)
