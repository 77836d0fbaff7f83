"""The metrics of a gate, as OpenMetrics and as GitLab reads them."""

import re
import shlex

from harness.errors import ExitCode
from harness.judge.verdict import Verdict
from reports.session.openmetrics import render_openmetrics
from tests.support.judgement_builder import exact, judgement, paired

SAMPLE = re.compile(r'[a-z_]+(\{(\w+="([^"\\\n]|\\["\\n])*",?)*\})? -?[\d.e+-]+')


def read_as_gitlab(text):
    """GitLab's parser: a comment ends a line, words are those of a shell, the first after the name is the value."""
    lines = (shlex.split(re.sub(r"#.*$", "", line)) for line in text.splitlines())
    return {words[0]: words[1] for words in lines if len(words) > 1}


def test_every_line_is_a_sample_or_a_comment_and_the_end_is_marked():
    hostile = 'GET /a"b\\c # d\n{e="f"} it\'s'
    text = render_openmetrics(judgement(paired(hostile, Verdict.REGRESSED, 0.081), exact(hostile)))
    assert text.endswith("# EOF\n")
    lines = text.splitlines()
    assert all(line.startswith("# ") or SAMPLE.fullmatch(line) for line in lines)
    samples = [line for line in lines if not line.startswith("#")]
    assert len(read_as_gitlab(text)) == len(samples)


def test_changes_counts_and_the_verdict_are_there():
    judged = judgement(paired("a", Verdict.REGRESSED, 0.0812345), code=ExitCode.LIMIT_BROKEN)
    found = read_as_gitlab(render_openmetrics(judged))
    assert found["harness_exit_code"] == "3"
    assert found["harness_comparisons{verdict=regressed}"] == "1"
    assert found["harness_change_ratio{benchmark=a,metric=wall}"] == "0.0812"
