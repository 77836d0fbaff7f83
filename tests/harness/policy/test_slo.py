"""Limits: what is read from text."""

import pytest

from harness.errors import UsageError
from harness.policy.slo import SloMetric, parse


def test_clauses_are_read_with_their_units():
    clauses = parse("p99<25ms, p99.9 <= 1.5s,p50<800us,errors<0.1%,errors<0.02,throughput>50/s")
    assert [clause.metric for clause in clauses] == [
        *[SloMetric.LATENCY] * 3,
        *[SloMetric.ERRORS] * 2,
        SloMetric.THROUGHPUT,
    ]
    assert [clause.limit for clause in clauses] == [25e6, 1.5e9, 8e5, 0, 0, 50]
    assert [clause.share for clause in clauses] == [0.01, 0.001, 0.5, 0.001, 0.02, 0]
    assert clauses[1].text == "p99.9 <= 1.5s"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'' is not a limit"),
        ("p99", "'p99' is not a limit"),
        ("p99<", "is not a limit"),
        ("p99<25", "is not a time"),
        ("p99<0ms", "is not a time"),
        ("p99>25ms", "requires more p99"),
        ("p0<25ms", "is not a percentile"),
        ("p100<25ms", "is not a percentile"),
        ("max<1s", "p99.9"),
        ("speed<1s", "is not a percentile"),
        ("errors<0%", "no number of calls can show"),
        ("errors<100%", "is not a share"),
        ("errors<1ms", "is not a share"),
        ("throughput<50/s", "not a minimum throughput"),
        ("p99<25ms,,errors<1%", "'' is not a limit"),
    ],
)
def test_what_is_no_limit_is_refused_by_name(text, says):
    with pytest.raises(UsageError, match=says):
        parse(text)
