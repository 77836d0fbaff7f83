"""The figures of a gate as other tools read them."""

import csv
import json

import pytest

from harness.export.figures import Figure, Row, as_bencher, as_github, as_otava

WALL = Figure("test_a[1]", "wall", "ns", 1200.0, 1190.0, 1230.0, note="ok")
CALLS = Figure("GET /a", "calls.redis", "per request", 2.0, note="regressed")
RATE = Figure("all", "throughput", "1/s", 500.0, 490.0, 510.0, more_is_better=True, note="ok")


def test_bencher_has_a_measure_for_each_metric_with_its_bounds():
    assert json.loads(as_bencher([WALL, CALLS, RATE])) == {
        "test_a[1]": {"latency": {"value": 1200.0, "lower_value": 1190.0, "upper_value": 1230.0}},
        "GET /a": {"calls.redis": {"value": 2.0}},
        "all": {"throughput": {"value": 500.0, "lower_value": 490.0, "upper_value": 510.0}},
    }


def test_a_name_longer_than_bencher_takes_is_cut():
    (name,) = json.loads(as_bencher([Figure("x" * 5000, "wall", "ns", 1.0)]))
    assert len(name) == 1024


def test_the_json_of_github_is_split_by_what_is_better():
    smaller = json.loads(as_github([WALL, CALLS, RATE], more_is_better=False))
    assert smaller == [
        {"name": "test_a[1] wall", "unit": "ns", "value": 1200.0, "range": "1190 to 1230", "extra": "ok"},
        {"name": "GET /a calls.redis", "unit": "per request", "value": 2.0, "extra": "regressed"},
    ]
    assert [one["name"] for one in json.loads(as_github([WALL, RATE], more_is_better=True))] == [
        "all throughput"
    ]


def test_otava_gets_a_row_for_each_receipt_in_order_and_numbers_in_every_cell():
    rows = [
        Row("2026-02-01T00:00:00+00:00", "b" * 40, {"a wall": 2.0, "b, c wall": 3.0, "new wall": 1.0}),
        Row("2026-01-01T00:00:00+00:00", "a" * 40, {"a wall": 1.0, "b, c wall": 4.0}),
    ]
    text, left_out = as_otava(rows)
    head, *lines = csv.reader(text.splitlines())
    assert head == ["time", "commit", "a wall", "b, c wall"]
    assert [line[1][0] for line in lines] == ["a", "b"]
    assert [[float(value) for value in line[2:]] for line in lines] == [[1.0, 4.0], [2.0, 3.0]]
    assert left_out == ("new wall",)


def test_a_value_that_is_no_number_of_json_is_an_error():
    with pytest.raises(ValueError, match="JSON"):
        as_bencher([Figure("a", "wall", "ns", float("nan"))])
