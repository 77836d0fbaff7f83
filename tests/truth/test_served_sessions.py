"""`compare --serve` on pairs of servers whose difference is known: what is planted is found, and nothing else is."""

import pytest

from tests.support.cli import harness
from tests.support.little_servers import project, settings_text

WORK = "end = time.thread_time() + {seconds}\nwhile time.thread_time() < end: pass\n"
ROUTES = """
work = 0.004
if self.path == "/worse": work *= MORE
if self.path == "/query": rows.execute(QUERY).fetchall(); MORE > 1 and rows.execute(QUERY).fetchall()
end = time.thread_time() + work
while time.thread_time() < end: pass
"""
DATABASE = """
import sqlite3
MORE = {more}
QUERY = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) select sum(i) from n"
rows = sqlite3.connect(":memory:", check_same_thread=False)
"""
REQUESTS = '{"path": "/same"}\n{"path": "/worse"}\n{"path": "/query"}\n'


def compared(base, candidate, *options):
    """Return the verdicts of a session by (operation, metric), and its document."""
    said = harness(
        "compare", f"path:{base}", f"path:{candidate}", "--serve", "shop", "--suite", "load", "--json", "--no-report",
        *options, cwd=base, patience_s=1800,
    )  # fmt: skip
    assert said.code in {0, 3}, said.stderr
    found = said.document["comparisons"]
    return {(one["benchmark"], one["metric"]): one["verdict"] for one in found}, said


def both(tmp_path, work, *, candidate=None, before=("", "")):
    return [
        project(tmp_path / name, source, before=first, settings=settings_text())
        for name, source, first in zip(("base", "new"), (work, candidate or work), before, strict=True)
    ]


@pytest.mark.proof
@pytest.mark.measures
def test_ten_percent_more_work_and_one_more_query_are_found_and_the_rest_is_left_alone(tmp_path):
    sides = both(tmp_path, ROUTES, before=(DATABASE.format(more=1.0), DATABASE.format(more=1.1)))
    (sides[0] / "requests.jsonl").write_text(REQUESTS)
    verdicts, said = compared(*sides, "--rate", 40, "--requests", "requests.jsonl")
    assert said.code == 3
    assert verdicts["GET /worse", "p50"] == "regressed"
    assert verdicts["GET /query", "p50"] == "regressed"
    assert verdicts["GET /same", "p50"] != "regressed"
    assert "regressed" not in {
        verdict for (_, metric), verdict in verdicts.items() if metric in {"throughput", "errors"}
    }


@pytest.mark.proof
@pytest.mark.measures
def test_2_ms_in_one_request_of_twenty_are_found_in_the_tail(tmp_path):
    same = WORK.format(seconds=0.0003)
    sides = both(tmp_path, same, candidate=f"{same}if number % 20 == 0: time.sleep(0.002)\n")
    verdicts, said = compared(*sides, "--rate", 300, "--segment", "5s")
    assert said.code == 3
    assert verdicts["all", "p99"] == "regressed"
    assert verdicts["all", "p50"] == "ok"


@pytest.mark.proof
@pytest.mark.measures
def test_identical_code_whose_launches_differ_raises_no_alarm(tmp_path):
    # Each launch is slower or faster by up to 3 %, as layouts and hash seeds make it.
    before = "luck = 0.97 + 0.06 * int.from_bytes(os.urandom(2)) / 65535"
    sides = both(tmp_path, WORK.format(seconds="0.005 * luck"), before=(before, before))
    verdicts, said = compared(*sides, "--rate", 40, "--segment", "3s")
    assert said.code == 0
    assert not {"regressed", "improved", "invalid"} & set(verdicts.values())


@pytest.mark.proof
@pytest.mark.measures
def test_a_side_whose_server_dies_makes_the_session_invalid_and_is_quoted(tmp_path):
    dying = "if number == 30:\n    os.write(2, b'out of cheese')\n    os._exit(3)"
    sides = both(tmp_path, "pass", candidate=dying)
    said = harness(
        "compare", f"path:{sides[0]}", f"path:{sides[1]}", "--serve", "shop", "--suite", "load", "--json", "--no-report",
        "--rate", 40, "--segment", "1s", cwd=sides[0], patience_s=600,
    )  # fmt: skip
    assert said.code == 5
    assert "out of cheese" in said.stderr + said.stdout
