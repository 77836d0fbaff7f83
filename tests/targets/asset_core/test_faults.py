"""Faults under load on the real servers: two processes, one of threads and one of greenlets, share what fails.

Nothing here is timed: a fault lasts until every worker has been answered during it, and is over when all goes well again.
"""

import itertools
import json
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from harness.supervise import Supervisor, wait_ready
from targets.asset_core.counting import Tally
from targets.asset_core.profiles import SERVER
from targets.asset_core.scope import Scope
from targets.asset_core.settings import read_stores
from targets.asset_core.stores.graph_writer import make_schema
from targets.asset_core.stores.servers import ServerStores
from targets.asset_core.stores.table import make_table
from targets.backends.dynamodb import DynamoServer
from targets.backends.embedded import EmbeddedServers
from targets.backends.graph import GraphServer
from targets.backends.redis import RedisServer
from tests.support.paths import ROOT
from tests.targets.asset_core.fault_proxy import DynamoProxy, TcpProxy

pytestmark = pytest.mark.servers

KINDS = ("threads", "greenlets")
WORKERS = 3
PATIENCE_S = 40.0
TENANT = "tenant-09"


def wait_until(holds, why):
    due_s = time.monotonic() + PATIENCE_S
    while not (found := holds()):
        assert time.monotonic() < due_s, why()
        time.sleep(0.05)
    return found


class Process:
    """One process under load, and the conversation with it."""

    def __init__(self, supervisor, kind, environment, folder):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.child = supervisor.start(
                f"load-{kind}",
                [sys.executable, "-P", str(Path(__file__).with_name("fault_load.py")), kind,
                 str(listener.getsockname()[1]), str(WORKERS)],
                log=folder / f"load-{kind}.log",
                env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
            listener.settimeout(60)
            self.connection, _ = listener.accept()
        self.connection.settimeout(60)
        self.lines = self.connection.makefile("rw")

    def tell(self, do, **order):
        try:
            self.lines.write(json.dumps({"do": do, **order}) + "\n")
            self.lines.flush()
            return json.loads(self.lines.readline())
        except (OSError, ValueError) as error:
            raise AssertionError(self.child.log_tail(40)) from error

    def end(self):
        self.lines.close()
        self.connection.close()
        self.child.stop()


class Site:
    """The servers, what lies before them, and the two processes."""

    def __init__(self, supervisor, servers, folder):
        self.supervisor, self.servers, self.folder = supervisor, servers, folder
        self.phases = itertools.count()
        self.redis_server = RedisServer(folder / "redis")
        self.start_redis()

    def start_redis(self):
        self.redis_child = self.redis_server.start(self.supervisor, self.folder / "redis.log")
        wait_ready(self.redis_child, self.redis_server.is_ready, 20, "Redis")

    def mend(self):
        """End every fault, however far a test came."""
        self.dynamo.fault, self.dynamo.halving = lambda _operation, _document: None, False
        for proxy in (self.dynamodb, self.neo4j, self.redis):
            proxy.refusing, proxy.cut_share = False, 0.0
            proxy.silence(silent=False)

    @property
    def redis_port(self):
        return int(self.redis_server.environment()["REDIS_ENDPOINT"].rpartition(":")[2])

    def during(self, phase, streak=0, answers=0):
        """Load until every worker has had so many good rounds in a row, or so many answers came during the phase."""
        phase = f"{phase} {next(self.phases)}"
        for process in self.processes:
            process.tell("enter", phase=phase)

        def enough():
            states = [process.tell("state") for process in self.processes]
            counts = [sum(state["statuses"].get(phase, {}).values()) for state in states]
            if min(counts) >= answers and min(state["streak"] for state in states) >= streak:
                return states
            return None

        why = lambda: (
            f"{[p.tell('state') for p in self.processes]} {[p.child.log_tail(30) for p in self.processes]}"
        )
        states = wait_until(enough, why)
        return [state["statuses"].get(phase, {}) for state in states]

    def settle(self):
        """End the load, and check that nothing is held, nothing lost and nothing old in use."""
        for process in self.processes:
            process.tell("pause")
        wait_until(self.holds_nothing, lambda: str([process.tell("state") for process in self.processes]))
        written = {}
        for process in self.processes:
            written |= process.tell("ledger")
        self.compare(written)
        own = {asset_id: f"v{version}" for asset_id, version in written.items() if asset_id.count("-") == 1}
        for process in self.processes:
            wait_until(
                lambda process=process: process.tell("read", ids=list(own)) == own,
                lambda process=process: f"{process.tell('read', ids=list(own))} instead of {own}",
            )

    def holds_nothing(self):
        states = [process.tell("state") for process in self.processes]
        return all(state["in_use"] == [0, 0, 0] and not state["left_over"] for state in states)

    def compare(self, written):
        """Hold every accepted write against what the stores hold, read past all caches and proxies."""
        scope = Scope(time.monotonic() + 120, Tally())
        assets = self.stores.assets.get_assets(TENANT, list(written), scope)
        names = self.stores.assets.get_technology_names(TENANT, list(written), scope)
        risks = self.stores.graph.get_risks_of(TENANT, list(written), scope)
        found = {
            asset_id: (assets[asset_id].name, names[asset_id], [risk.title for risk in risks[asset_id]])
            for asset_id in written
        }
        expected = {
            asset_id: (f"v{version}", (f"t{version}",), [f"v{version}"])
            for asset_id, version in written.items()
        }
        assert found == expected


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    with Supervisor() as supervisor, EmbeddedServers((GraphServer, DynamoServer)) as servers:
        servers.start(supervisor, folder)
        made = Site(supervisor, servers, folder)
        direct = {**servers.environment(), **made.redis_server.environment()}
        port_of = {name: int(re.search(r"(\d+)$", direct[name])[1]) for name in ENDPOINTS}
        with (
            pytest.MonkeyPatch.context() as patch,
            DynamoProxy(port_of["AWS_ENDPOINT_URL_DYNAMODB"]) as made.dynamo,
            TcpProxy(made.dynamo.server_port) as made.dynamodb,
            TcpProxy(port_of["NEO4J_URI"]) as made.neo4j,
            TcpProxy(port_of["REDIS_ENDPOINT"]) as made.redis,
        ):
            for name, value in direct.items():
                patch.setenv(name, value)
            settings = read_stores(os.environ)
            made.stores = ServerStores(settings)(SERVER, pooling=True)
            scope = Scope(time.monotonic() + 60, Tally())
            make_table(made.stores.assets, scope)
            make_schema(made.stores.graph, scope)
            before = (made.dynamodb, made.neo4j, made.redis)
            faulty = direct | {
                name: re.sub(r"\d+$", str(proxy.port), direct[name])
                for name, proxy in zip(ENDPOINTS, before, strict=True)
            }
            made.processes = [Process(supervisor, kind, faulty, folder) for kind in KINDS]
            yield made
            for process in made.processes:
                process.end()
            for store in (made.stores.assets, made.stores.graph, made.stores.cache):
                store.close()


ENDPOINTS = ("AWS_ENDPOINT_URL_DYNAMODB", "NEO4J_URI", "REDIS_ENDPOINT")


def statuses(counts, operation):
    return {key.partition(" ")[2] for key in counts if key.startswith(operation)}


@pytest.fixture
def loaded(site):
    """The site under load; afterwards all goes well again, and is checked."""
    site.during("before", streak=1)
    yield site
    site.mend()
    site.during("after", streak=2)
    site.settle()


def test_without_redis_everything_is_answered_and_it_is_used_again_once_it_is_back(loaded):
    loaded.redis_child.kill()
    for counts in loaded.during("fault", answers=30):
        assert statuses(counts, "read") <= {"200", "404"}
        assert statuses(counts, "write") | statuses(counts, "batch") == {"200"}
    loaded.start_redis()
    loaded.redis.upstream = loaded.redis_port


@pytest.mark.proof
def test_a_redis_that_is_silent_delays_some_requests_and_fails_none(loaded):
    loaded.redis.silence(silent=True)
    for counts in loaded.during("fault", answers=30):
        # A request that had no more time than Redis took is late; none is wrong.
        assert statuses(counts, "read") <= {"200", "404", "504"}
        assert statuses(counts, "write") <= {"200", "504"}


def test_a_stopped_graph_server_is_named_or_ends_the_request_in_time(loaded):
    pid = loaded.servers.pids()["neo4j"]
    os.kill(pid, signal.SIGSTOP)
    try:
        found = loaded.during("fault", answers=6)
    finally:
        os.kill(pid, signal.SIGCONT)
    for counts in found:
        assert statuses(counts, "read") <= {"200", "404", "504", "503 neo4j"}
        assert statuses(counts, "write") <= {"504 neo4j", "503 neo4j"}
        assert "504" in statuses(counts, "read") | statuses(counts, "batch")


@pytest.mark.proof
def test_a_graph_server_that_takes_no_connection_is_named_and_comes_back(loaded):
    loaded.neo4j.refusing = True
    loaded.neo4j.cut()
    for counts in loaded.during("fault", answers=6):
        assert statuses(counts, "read") <= {"200", "404", "504", "503 neo4j"}
        assert statuses(counts, "write") <= {"503 neo4j", "504 neo4j"}
        assert "503 neo4j" in statuses(counts, "read") | statuses(counts, "write")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (500, "InternalServerError"),
        pytest.param(400, "ProvisionedThroughputExceededException", marks=pytest.mark.proof),
    ],
)
def test_a_dynamodb_that_refuses_is_named_and_what_was_accepted_stays(loaded, status, kind):
    before = loaded.dynamo.faults
    loaded.dynamo.fault = lambda _operation, _document: (status, {"__type": kind, "message": "no"})
    found = loaded.during("fault", answers=6)
    assert loaded.dynamo.faults > before
    for counts in found:
        # Throttled, the client waits for leave to send: the request's time may run out.
        assert statuses(counts, "read") <= {"200", "404", "504", "503 dynamodb"}
        assert statuses(counts, "write") <= {"503 dynamodb", "504 dynamodb"}
        assert {"503 dynamodb", "504 dynamodb"} & statuses(counts, "write")


@pytest.mark.proof
def test_what_dynamodb_leaves_unprocessed_is_sent_again_until_all_is_written(loaded):
    before = loaded.dynamo.faults
    loaded.dynamo.halving = True
    for counts in loaded.during("fault", streak=1):
        # On a slow machine the pauses may take all of a request's time.
        assert {"200"} <= statuses(counts, "write") <= {"200", "200 dynamodb", "504 dynamodb"}
        assert statuses(counts, "read") <= {"200", "404"}
    assert loaded.dynamo.faults > before


def test_connections_that_break_in_the_middle_of_anything_lose_nothing(loaded):
    proxies = (loaded.dynamodb, loaded.neo4j, loaded.redis)
    for proxy in proxies:
        proxy.cut_share = 0.05
    for counts in loaded.during("fault", answers=60):
        assert statuses(counts, "read") <= {"200", "404", "503 neo4j", "503 dynamodb", "504"}
        assert statuses(counts, "write") <= {
            "200",
            "200 neo4j",
            "200 dynamodb",
            "503 neo4j",
            "503 dynamodb",
            "504 neo4j",
            "504 dynamodb",
        }


def test_after_all_that_closing_leaves_no_thread_no_greenlet_and_no_connection(site):
    for proxy in (site.dynamodb, site.neo4j, site.redis):
        assert proxy.connections <= 2 * (SERVER.dynamo.idle_connections + 2)
    for process in site.processes:
        found = process.tell("close")
        assert found["after"] == found["before"]
    wait_until(
        lambda: not any(proxy.connections for proxy in (site.dynamodb, site.neo4j, site.redis)),
        lambda: "connections stayed open",
    )
