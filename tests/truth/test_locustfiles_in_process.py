"""An application that is mounted in Locust's own clients is asked what a server would be asked, without a socket."""

import json
from collections import Counter

import pytest

from harness.model import Outcome
from tests.support.cli import returned
from tests.support.locustfiles import FILES, locust, sent_rows


@pytest.mark.parametrize("spec", ["wsgi:shop:app", "asgi:shop:web"])
def test_both_clients_call_a_mounted_application_as_a_server_is_called(tmp_path, spec):
    (tmp_path / "shop.py").write_text((FILES / "shop.py").read_text())
    done = locust(
        tmp_path, "-f", FILES / "visits.py", "-u", 2, "-r", 2, "-t", "1s", "--stop-timeout", 5, "--app", spec
    )
    asked = [json.loads(line) for line in (tmp_path / "asked.jsonl").read_text().splitlines()]
    counts = Counter(f"{method} {path}" for method, path, *_ in asked)
    assert {name: len(sent_rows(done.rows(name))) for name in done.counts} == counts
    assert counts["GET /boom"] > 2
    bodies = {
        path: {
            json.loads(body)["a"] if path == "/echo" else body for _, where, body, _ in asked if where == path
        }
        for path in ("/echo", "/form")
    }
    assert bodies == {"/echo": {1}, "/form": {"name=ada"}}
    assert {cookie for _, path, _, cookie in asked if path == "/form"} == {"seen=yes"}
    for name in counts:
        wanted = Outcome.FAILED if name == "GET /boom" else Outcome.COMPLETED
        assert set(returned(done.rows(name))["outcome"].tolist()) == {wanted}, name
    spun = returned(done.rows("GET /spin"))
    assert (spun["completed_ns"] - spun["entered_ns"] >= 3_000_000).all()
    if spec.startswith("wsgi"):
        # The split sees what the application does: it is called in the greenlet of its user.
        assert (spun["run_ns"] >= 3_000_000).all()
    assert done.run.document.target == spec
    assert done.run.document.locust.is_in_process
    assert "without a socket" in done.stdout


def test_an_application_that_is_not_there_is_told_in_a_sentence(tmp_path):
    done = locust(tmp_path, "-f", FILES / "visits.py", "-t", "1s", "--app", "wsgi:nothing:app")
    assert (done.code, done.run) == (2, None)
    assert "The target's module 'nothing' cannot be imported" in done.stderr
    assert "Traceback" not in done.stderr
