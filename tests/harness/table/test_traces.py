"""Identifiers of traces: a function of the row alone, in the form of the W3C."""

import re

from harness.table.traces import call_ids, part_id, traceparent_of

FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01")


def test_the_header_and_the_row_give_the_same_identifiers():
    traceparent = traceparent_of(7)
    for moment in (0, 1, 10**15, -5):
        assert FORM.fullmatch(traceparent(moment)).groups() == call_ids(7, moment)


def test_calls_and_seeds_and_parts_differ():
    found = {call_ids(seed, moment) for seed in range(20) for moment in range(500)}
    assert len({trace for trace, _ in found}) == len({span for _, span in found}) == 10_000
    span = call_ids(1, 1)[1]
    assert len({span, part_id(span, "lag"), part_id(span, "queue")}) == 3
    assert len(part_id(span, "lag")) == 16
