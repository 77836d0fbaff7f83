"""`--traceparent`: the application hears of each call the trace that the table of calls gives it afterwards."""

import json
import subprocess
import sys

import numpy as np
import pytest

from harness.model import Outcome
from harness.reading.summary import load
from harness.table.traces import call_ids
from tests.support.cli import inside
from tests.support.tolerant import tolerant

APP = """
heard = open("heard.txt", "a", buffering=1)

def wsgi(environ, start_response):
    heard.write(environ.get("HTTP_TRACEPARENT", "none") + "\\n")
    start_response("200 OK", [])
    return [b'{"token": "t"}']

async def asgi(scope, receive, send):
    heard.write(dict(scope["headers"]).get(b"traceparent", b"none").decode() + "\\n")
    assert [name for name, _ in scope["headers"]].count(b"traceparent") == 1
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b'{"token": "t"}'})

def handler(event, context):
    heard.write(event["headers"].get("traceparent", "none") + "\\n")
    assert event["multiValueHeaders"]["traceparent"] == [event["headers"]["traceparent"]]
    return {"statusCode": 200, "body": '{"token": "t"}'}
"""
OWN = {"path": "/", "headers": {"Traceparent": "that of the file"}}
LOGIN = {"method": "POST", "path": "/login", "save": {"token": "$.token"}, "headers": OWN["headers"]}
ITEMS = {"path": "/{token}", "pause": 0}
PACE = {"steady": ("--rate", "40"), "closed": ("--users", "2", "--think-time", "10ms")}


@pytest.fixture
def project(tmp_path):
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "requests.jsonl").write_text(json.dumps(OWN))
    (tmp_path / "journey.jsonl").write_text("\n".join(map(json.dumps, (LOGIN, ITEMS))))
    return tolerant(tmp_path)


def run(project, scenario, place, requests, *words):
    said = inside(
        project, "run", scenario, *PACE[scenario], "--target", place, "--requests", requests, "--duration", "300ms",
        "--warmup", "100ms", "--no-report", "--json", *words,
    )  # fmt: skip
    assert said.code == 0, said.stderr
    return said


@pytest.mark.parametrize(
    ("scenario", "place", "requests", "words"),
    [
        ("closed", "wsgi:shop:wsgi", "requests.jsonl", ()),
        ("steady", "wsgi:shop:wsgi", "requests.jsonl", ("--no-split", "--engine", "threads")),
        ("closed", "asgi:shop:asgi", "journey.jsonl", ("--no-split",)),
        ("steady", "asgi:shop:asgi", "requests.jsonl", ()),
        ("steady", "lambda:shop:handler", "journey.jsonl", ()),
    ],
)
def test_the_application_hears_the_trace_of_every_call(project, scenario, place, requests, words):
    said = run(project, scenario, place, requests, "--traceparent", *words)
    found = load(project / said.run["dir"])
    rows = np.concatenate(list(found.all_calls))
    rows = rows[rows["outcome"] == Outcome.COMPLETED]
    heard = [line.split("-") for line in (project / "heard.txt").read_text().split()]
    assert {(version, flags) for version, _, _, flags in heard} == {("00", "01")}
    moments = (found.facts.origin_ns + rows["entered_ns"]).tolist()
    expected = [call_ids(found.document.seed, moment) for moment in moments]
    assert sorted((trace, span) for _, trace, span, _ in heard) == sorted(expected)
    assert {one["trace_id"] for one in said.run["slowest"]} <= {trace for trace, _ in expected}
    assert len(said.run["slowest"]) == min(10, (rows["intended_ns"] >= 0).sum()) > 0


SERVER = """
import http.server, shop
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        assert len(self.headers.get_all("traceparent", ["none"])) == 1
        shop.heard.write(self.headers.get("traceparent", "none") + "\\n")
        self.send_response(200)
        self.send_header("content-length", "14")
        self.end_headers()
        self.wfile.write(b'{"token": "t"}')
    do_POST = do_GET
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture
def url(project):
    process = subprocess.Popen([sys.executable, "-c", SERVER], cwd=project, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("scenario", "requests"), [("steady", "requests.jsonl"), ("closed", "journey.jsonl")]
)
def test_a_server_hears_the_trace_of_every_call(project, url, scenario, requests):
    test_the_application_hears_the_trace_of_every_call(project, scenario, url, requests, ())


def test_a_target_of_ones_own_may_take_it_and_any_other_is_refused(project):
    (project / "mine.py").write_text("""
class Mine:
    def make_event(self, operation, rng):
        return {"id": 1}

    def with_traceparent(self, event, value):
        return {**event, "traceparent": value}

    def call(self, event):
        assert len(event["traceparent"]) == 55

class Other:
    def call(self, event):
        pass
""")
    pace = ("--rate", "20", "--duration", "200ms", "--warmup", "0s", "--no-report", "--traceparent")
    said = inside(project, "run", "steady", "--target", "mine.py:Mine", *pace, "--json")
    assert said.run["outcomes"]["completed"] == said.run["planned"] > 0
    assert {one["trace_id"] for one in said.run["slowest"]} != {None}
    refused = inside(project, "run", "steady", "--target", "mine.py:Other", *pace)
    assert refused.code == 2
    assert "The target takes no headers" in refused.error
    assert "Remove --traceparent" in refused.error
