"""Blocks of servers that the harness starts: three fresh ones in each, alive together. The segments are written, not measured."""

import dataclasses
from pathlib import Path

import pytest

from harness.errors import RefusedError, TargetError
from harness.policy.servers import read_servers
from harness.processes.subject import Subject
from harness.serving.server import Place, Server
from harness.session.load import block as load_block
from harness.session.load.blocks import prove_servers
from harness.session.receipt import Side
from harness.session.sides.served import ServedSide
from harness.supervise import Supervisor
from tests.support.launches import Launches, session, verdict
from tests.support.little_servers import plain_text, server_text
from tests.support.load_session import PLAN, receipt_of, run_session, session_of, written_runs
from tests.support.processes import is_alive


@pytest.fixture
def supervisor():
    with Supervisor() as found:
        yield found


def served(tmp_path: Path, name: str, source: str) -> Subject:
    tree = tmp_path / name
    tree.mkdir()
    (tree / "server.py").write_text(source)
    settings = read_servers({"shop": {"command": "{python} server.py {port}"}}, "here")["shop"]
    return Subject("serve:shop", {}, server=Server("shop", settings, Place(tree)))


def session_of_servers(supervisor, tmp_path, candidate=None, base=None):
    sides = [
        served(tmp_path, name, source or plain_text()) for name, source in (("old", base), ("new", candidate))
    ]
    places = {side: ServedSide(subject.server.place) for side, subject in zip(Side, sides, strict=True)}
    return session_of(supervisor, tmp_path / "out" / "segments", *sides, served=places)


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """The server of each segment in order, and which servers were alive then."""
    written_runs(monkeypatch, tmp_path)
    write, found = load_block.run_into, []

    def run_into(directory, supervisor, subject, *rest):
        alive = {child.pid for child in supervisor.running()}
        found.append((subject.server, alive))
        return write(directory, supervisor, subject, *rest)

    monkeypatch.setattr(load_block, "run_into", run_into)
    return found


def test_each_block_has_three_fresh_servers_that_live_together(supervisor, tmp_path, asked):
    receipt = receipt_of(load_blocks=2)
    run_session(session_of_servers(supervisor, tmp_path), receipt)
    assert [block.trouble for block in receipt.load_blocks] == [None, None]
    blocks = [asked[:3], asked[3:]]
    pids = [{server.child.pid for server, _ in block} for block in blocks]
    assert len(pids[0]) == len(pids[1]) == 3
    assert not pids[0] & pids[1]
    assert all(alive == pids[number] for number, block in enumerate(blocks) for _, alive in block)
    assert not [pid for pid in pids[0] | pids[1] if is_alive(pid)]


def test_base_and_null_control_are_two_servers_of_the_same_tree(supervisor, tmp_path, asked):
    receipt = receipt_of(load_blocks=1)
    run_session(session_of_servers(supervisor, tmp_path), receipt)
    trees = {
        label: Path(server.child.log).name
        for label, (server, _) in zip(receipt.load_blocks[0].order, asked, strict=True)
    }
    assert trees == {label: f"shop-{label}.log" for label in ("base", "candidate", "null")}


def test_a_server_that_does_not_start_in_a_block_is_the_blocks_trouble(supervisor, tmp_path, asked):
    receipt = receipt_of(load_blocks=2)
    run_session(session_of_servers(supervisor, tmp_path, "raise SystemExit('no table')"), receipt)
    assert "no table" in receipt.load_blocks[0].trouble
    assert "3 blocks in a row" in receipt.trouble[0]
    assert not asked or "candidate" in receipt.load_blocks[0].trouble


def test_a_server_that_cannot_start_is_an_error_before_the_first_block(supervisor, tmp_path):
    with pytest.raises(TargetError, match="no table"):
        prove_servers(session_of_servers(supervisor, tmp_path, "raise SystemExit('no table')"))


def test_foreign_code_ends_the_session(supervisor, tmp_path, asked, monkeypatch):
    def refuse(_self, server):
        raise RefusedError(f"{server.title} runs other code")

    monkeypatch.setattr(ServedSide, "refuse_other_code", refuse)
    with pytest.raises(RefusedError, match="runs other code"):
        run_session(session_of_servers(supervisor, tmp_path), receipt_of(load_blocks=1))


@pytest.mark.measures
def test_a_slower_server_shows_and_the_base_against_itself_does_not(supervisor, tmp_path):
    """The proofs of `tests/truth/test_served_sessions.py` in small: 200 ms more in each request."""
    session = session_of_servers(
        supervisor, tmp_path, base=server_text("time.sleep(0.02)"), candidate=server_text("time.sleep(0.22)")
    )
    receipt = receipt_of(load_blocks=1)
    run_session(dataclasses.replace(session, plan=dataclasses.replace(PLAN, rate_per_s=50.0)), receipt)
    (block,) = receipt.load_blocks
    base, candidate, null = (
        one.values["all"]["p50_ns"] / 1e6 for one in (block.base, block.candidate, block.null)
    )
    # Never quicker than the server; slower only where the machine was taken away.
    assert candidate >= 220
    assert base >= 20
    assert candidate - base > 2 * abs(null - base)
    assert block.base.values["all"]["cold_start_ns"] > 0


LOCUSTFILE = """
from locust import HttpUser, constant, task
class Shopper(HttpUser):
    wait_time = constant(0.02)
    @task(3)
    def one(self): self.client.get("/one")
    @task
    def two(self): self.client.get("/two")
"""


def test_the_users_of_a_locustfile_do_the_same_on_all_servers_of_a_block(supervisor, tmp_path):
    journal = server_text("open(f'journal-{sys.argv[1]}', 'a').write(self.path)")
    session = session_of_servers(supervisor, tmp_path, base=journal, candidate=journal)
    file = tmp_path / "users.py"
    file.write_text(LOCUSTFILE)
    plan = dataclasses.replace(PLAN, users=1, duration_s=2.0, warmup_s=0.0)
    receipt = receipt_of(load_blocks=1)
    run_session(dataclasses.replace(session, plan=plan, locustfile=file), receipt)
    (block,) = receipt.load_blocks
    assert block.trouble is None
    journals = [path.read_text() for path in tmp_path.glob("*/journal-*")]
    assert len(journals) == 3
    shortest = min(map(len, journals))
    assert shortest > 20
    assert len({text[:shortest] for text in journals}) == 1, "the same users with the same seed"
    for segment in (block.base, block.candidate, block.null):
        assert {"GET /one", "GET /two", "all"} == set(segment.values)
        assert segment.values["all"]["throughput_per_s"] > 0
        assert segment.values["all"]["cold_start_ns"] > 0


def test_a_locustfile_that_cannot_be_imported_ends_the_session(supervisor, tmp_path):
    session = session_of_servers(supervisor, tmp_path)
    file = tmp_path / "users.py"
    file.write_text("raise ValueError('no users today')")
    with pytest.raises(RefusedError, match="left no run") as caught:
        run_session(dataclasses.replace(session, locustfile=file), receipt_of(load_blocks=1))
    assert "no users today" in str(caught.value)


def test_launches_that_differ_raise_no_alarm_where_each_block_has_its_own():
    """`tests/simulations/served_launches.py` in small: identical code, launches that differ by 3 %."""
    found = {
        launches: [verdict(session(launches, launch_sd=0.03, seed=seed)) for seed in range(12)]
        for launches in Launches
    }
    alarms = {
        launches: sum(one in {"regressed", "improved"} for one in verdicts)
        for launches, verdicts in found.items()
    }
    assert alarms[Launches.FRESH] == 0
    assert alarms[Launches.SHARED] >= 3
