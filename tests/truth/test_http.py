"""A server with a URL, against its own journal: each call that it answered is one row, with times around the server's own."""

import collections
import json
import time
from collections import Counter

import numpy as np
import pytest

from harness.errors import ExitCode
from harness.model import Outcome
from harness.supervise import Supervisor
from harness.target.events import prepare_events
from harness.target.loading import make
from harness.work import experiment
from harness.work.client_ceiling import two_bytes_server
from tests.support.cli import end_of, facts, inside, started, table
from tests.support.journalled import serving
from tests.support.tolerant import tolerant

MS = 1_000_000
REQUESTS = [
    {"operation": "quick", "path": "/slow/2?id={id}", "weight": 6},
    {"operation": "slow", "path": "/slow/20?id={id}", "weight": 2},
    {"operation": "stream", "path": "/stream?id={id}", "weight": 2},
    {"operation": "post", "method": "POST", "path": "/orders?id={id}", "json": {"a": "x" * 500}, "weight": 2},
    {"operation": "missing", "path": "/status/404?id={id}", "expect": 404},
    {"operation": "broken", "path": "/status/503?id={id}"},
    {"operation": "drop", "path": "/drop?id={id}"},
]


@pytest.fixture(autouse=True)
def without_ceiling(request, monkeypatch):
    """Leave the ceiling of the client out of runs that do not ask for it: it takes as long as they do."""
    if request.function is not test_a_client_at_its_limit_is_named_and_not_the_server:
        monkeypatch.setattr(experiment, "with_client", lambda backends, *_: backends)


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path) as running:
        yield running


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "requests.jsonl").write_text("\n".join(map(json.dumps, REQUESTS)))
    (tmp_path / "project" / "ids.csv").write_text("\n".join(map(str, ["id", *range(100_000)])))
    return tolerant(tmp_path / "project")


def run(folder, server, scenario, *options, requests=True):
    files = ["--requests", "requests.jsonl"] if requests else []
    said = inside(folder, "run", scenario, "--target", server, *files, *options, "--json", "--no-report")
    (directory,) = (folder / "runs").iterdir()
    return said, directory


def requests_of(folder, directory):
    """Return the path that each row has sent, with its id: the events of a run follow from its seed."""
    target = make("http://h", {"requests": str(folder / "requests.jsonl"), "values": str(folder / "ids.csv")})
    mix = json.loads((directory / "run.json").read_text())["plan"]["operations"]
    events = prepare_events(target, mix, 1, {})
    return [events[row["operation"]][row["payload"]][0].split(b" ")[1].decode() for row in table(directory)]


def matched(folder, directory, served):
    """Yield each row that got a response with the server's own entry of it. An id may come again, much later."""
    theirs = collections.defaultdict(list)
    for one in sorted(served, key=lambda one: -one.arrived_ns):
        theirs[one.path].append(one)
    rows, paths = table(directory), requests_of(folder, directory)
    for number in np.argsort(rows["entered_ns"]):
        if rows["first_byte_ns"][number] > 0:
            yield rows[number], theirs[paths[number]].pop()
    assert not any(theirs.values()), "the server has answered what is in no table"


@pytest.mark.measures
@pytest.mark.parametrize("load", [("steady", "--rate", "150"), ("closed", "--users", "6")])
def test_the_table_of_calls_is_the_servers_journal_call_by_call(folder, server, load):
    _, directory = run(folder, server.url, *load, "--values", "ids.csv", "--duration", "1s", "--warmup", "300ms")  # fmt: skip
    assert not (table(directory)["outcome"] == Outcome.UNFINISHED).any()
    origin_ns, count, rest_ns = facts(directory)["origin_ns"], 0, []
    for row, one in matched(folder, directory, server.served()):
        arrived_ns, ended_ns, service_ns = (
            one.arrived_ns - origin_ns, one.ended_ns - origin_ns, row["completed_ns"] - row["entered_ns"]
        )  # fmt: skip
        assert row["entered_ns"] <= arrived_ns <= ended_ns <= row["completed_ns"]
        assert arrived_ns - row["entered_ns"] <= row["first_byte_ns"] <= service_ns
        assert (row["outcome"] == Outcome.FAILED) == (one.status == 503)
        if one.path.startswith("/stream"):
            rest_ns.append(service_ns - row["first_byte_ns"])
        count += 1
    assert count > 100
    # Two pauses of 2 ms follow the first piece, unless the client saw it as late as the others.
    assert max(rest_ns) >= 4 * MS
    kinds = {one["what"] for one in facts(directory)["failures"]}
    dropped = {what for what in kinds if what.startswith("the server closed the ")}
    assert dropped
    assert kinds == {"503 Service Unavailable", *dropped}


@pytest.mark.measures
def test_response_in_the_open_model_has_the_whole_backlog_and_in_the_closed_model_a_stall_hardly_shows(
    folder, tmp_path
):
    (folder / "requests.jsonl").write_text('{"path": "/stall/400/900"}')
    seen = {}
    for scenario, *load in (("steady", "--rate", "200"), ("closed", "--users", "2")):
        with serving(tmp_path) as server:
            said, _directory = run(
                folder, server.url, scenario, *load, "--duration", "1400ms", "--warmup", "300ms"
            )
            (operation,) = said.run["operations"].values()
            stalled = max(one.ended_ns - one.arrived_ns for one in server.served())
            assert stalled >= 400 * MS
            seen[scenario] = operation, stalled
        for path in (folder / "runs").iterdir():
            path.rename(folder / path.name)
    (opened, stalled), (closed, _) = seen["steady"], seen["closed"]
    assert min(opened["response_ns"]["max"], closed["response_ns"]["max"]) >= 400 * MS
    # The arrivals of 400 ms wait for 200 ms on average: that is over a quarter of the calls.
    assert opened["response_ns"]["p90"] >= 0.25 * stalled
    assert closed["response_ns"]["p90"] < opened["response_ns"]["p90"] / 5


@pytest.mark.measures
def test_a_server_that_dies_in_the_middle_loses_no_call_of_the_table(folder, server):
    (folder / "requests.jsonl").write_text('{"path": "/slow/20"}')
    words = ("run", "steady", "--target", server.url, "--requests", "requests.jsonl", "--rate", "100", "--duration", "2s",
             "--warmup", "500ms", "--json", "--no-report")  # fmt: skip
    with started(*words, cwd=folder) as process:
        while len(server.served()) < 100 and process.poll() is None:
            time.sleep(0.05)
        server.kill()
        end_of(process)
    (directory,) = (folder / "runs").iterdir()
    rows, answered = table(directory), len(server.served())
    completed = int((rows["outcome"] == Outcome.COMPLETED).sum())
    # The journal's last lines may be of answers that died with their server.
    assert completed <= answered <= completed + 10
    assert (np.isin(rows["outcome"], [Outcome.COMPLETED, Outcome.FAILED])).all()
    kinds = {one["what"] for one in facts(directory)["failures"]}
    assert "connection refused" in kinds
    assert all(kind == "connection refused" or "the server" in kind for kind in kinds)


def test_a_server_that_is_not_there_is_said_before_any_load(folder):
    said = inside(folder, "run", "steady", "--target", "http://127.0.0.1:9", "--duration", "1s")
    assert (said.code, said.error) == (
        ExitCode.USAGE,
        "There is no server at http://127.0.0.1:9: connection refused. Start it, or correct the address",
    )
    assert list((folder / "runs").iterdir()) == []


@pytest.mark.measures
def test_calls_that_take_too_long_have_timed_out(folder, server):
    (folder / "requests.jsonl").write_text('{"path": "/slow/400"}')
    said, directory = run(folder, f"{server.url}?timeout=100ms", "closed", "--users", "2", "--duration", "500ms", "--warmup", "0s")  # fmt: skip
    rows = table(directory)
    assert (rows["outcome"] == Outcome.TIMED_OUT).all()
    assert {one["what"] for one in facts(directory)["failures"]} == {"no response within 100ms"}
    assert ((rows["completed_ns"] - rows["entered_ns"]) >= 100 * MS).all()
    assert said.code == ExitCode.INVALID, "no call completed"


@pytest.mark.measures
def test_an_access_log_is_replayed_at_its_own_pace_with_its_own_requests(folder, server):
    line = '127.0.0.1 - - [10/Oct/2026:13:55:{:02} +0000] "GET /items/{}?n=1 HTTP/1.1" 200 2 "-" "-"'
    (folder / "access.log").write_text("\n".join(line.format(30 + n // 20, n % 3) for n in range(40)))
    said, directory = run(
        folder, server.url, "replay", "--replay", "access.log", "--warmup", "0s", requests=False
    )
    rows = np.sort(table(directory), order="intended_ns")
    paths = Counter(one.path for one in server.served())
    assert sum(paths.values()) == len(rows) == 40
    assert set(paths) <= {f"/items/{n}?n=1" for n in range(3)}
    assert np.abs(rows["intended_ns"] - 50 * MS * np.arange(40)).max() < 1_000
    assert list(said.run["operations"]) == ["GET /items/{id}"]


@pytest.mark.measures
def test_a_client_at_its_limit_is_named_and_not_the_server(folder):
    with Supervisor() as supervisor, two_bytes_server(supervisor) as url:
        said, directory = run(
            folder, url, "closed", "--users", "16", "--duration", "1s", "--warmup", "300ms", requests=False
        )
    assert "The load generator had work for" in " ".join(said.run["reasons"])
    assert said.run["validity"] != "valid"
    ceiling = json.loads((directory / "run.json").read_text())["backends"]["HTTP client"]
    assert ceiling["is_client"]
    assert ceiling["ceiling_per_s"] > 0
    assert ceiling["achieved_per_s"] > 0
