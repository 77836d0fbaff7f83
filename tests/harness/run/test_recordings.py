"""Traces that other tools have recorded: HAR files, access logs, JMeter's results."""

import json

import pytest

from harness.errors import UsageError
from harness.run.replay import read_trace
from tests.support.cli import document, inside

LOG = '127.0.0.1 - - [10/Oct/2026:13:55:{second:02} +0200] "{request} HTTP/1.1" 200 12 "-" "agent"\n'


@pytest.fixture
def of(tmp_path):
    """Return a function from the text of a file to its arrivals: ns since the first, and operations."""

    def read(text, name="trace"):
        path = tmp_path / name
        path.write_text(text)
        trace = read_trace(path)
        return list(zip(trace.times_ns.tolist(), (trace.names[one] for one in trace.operation), strict=True))

    return read


def har(*entries):
    found = [
        {"startedDateTime": start, "request": {"method": "GET", "url": url}, "response": {"status": 200}}
        for start, url in entries
    ]
    return json.dumps({"log": {"entries": found}}, indent=1)


def test_a_har_file_has_the_arrivals_of_the_requests_that_are_used_of_it(of):
    text = har(
        ("2026-01-02T03:04:05.000Z", "http://a.example/items/7?x=1"),
        ("2026-01-02T03:04:05.100Z", "http://cdn.example/x.js"),
        ("2026-01-02T03:04:05.250Z", "http://a.example/"),
    )
    assert of(text, "shop.har") == [(0, "GET /items/{id}"), (250_000_000, "GET /")]


def test_an_entry_without_a_start_is_named(of):
    with pytest.raises(UsageError, match=r"no startedDateTime .*log\.entries\[0\]"):
        of(har(("", "http://a.example/")))


def test_arrivals_of_an_access_log_are_spread_over_their_second(of):
    requests = [(1, "GET /items/7"), (1, "GET /items/8?a=1"), (2, "POST /items"), (2, "PROPFIND /x")]
    text = "".join(LOG.format(second=second, request=request) for second, request in requests)
    assert of(text) == [
        (0, "GET /items/{id}"),
        (500_000_000, "GET /items/{id}"),
        (1_000_000_000, "POST /items"),
    ]


def test_what_is_not_replayed_of_a_recording_is_counted_in_the_name_of_the_trace(tmp_path):
    garbage = LOG.replace("{request} HTTP/1.1", r"\x16\x03 \"")
    text = "".join(line.format(second=1, request="GET /") for line in (LOG, garbage, LOG))
    (tmp_path / "access.log").write_text(text)
    trace = read_trace(tmp_path / "access.log")
    assert len(trace.times_ns) == 2
    assert trace.name.endswith(", 1 other entries left out)")


def test_a_line_that_is_none_of_an_access_log_is_named(of):
    with pytest.raises(UsageError, match=r"not a line of an access log .*trace:2"):
        of(LOG.format(second=1, request="GET /") + "garbage\n")


def test_times_of_jmeter_are_milliseconds_and_its_labels_operations(of):
    head = "timeStamp,elapsed,label,responseCode,responseMessage\n"
    text = f"{head}1767323045000,12,GET /,200,OK\n1767323045250,9,login,200,OK\n"
    assert of(text, "results.jtl") == [(0, "GET /"), (250_000_000, "login")]


def test_jmeters_xml_is_refused_with_a_remedy(of):
    with pytest.raises(UsageError, match="let JMeter save its results as CSV"):
        of('<?xml version="1.0"?>\n<testResults version="1.2">\n', "results.jtl")


def test_a_recorded_session_is_replayed_with_its_own_requests(tmp_path):
    starts = [(f"2026-01-02T03:04:05.{number}00Z", f"http://a.example/items/{number}") for number in range(4)]
    (tmp_path / "shop.har").write_text(har(*starts))
    (tmp_path / "shop.py").write_text(
        "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'x']\n"
    )
    words = (
        "run",
        "replay",
        "--replay",
        "shop.har",
        "--target",
        "wsgi:shop:app?requests=shop.har",
        "--warmup",
        "0s",
    )
    run = inside(tmp_path, *words, "--no-report", "--json").run
    assert run["planned"] == 4
    assert run["operations"]["GET /items/{id}"]["count"] == 4
    assert document(tmp_path / run["dir"])["plan"]["replayed"].startswith("shop.har")
