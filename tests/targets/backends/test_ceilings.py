"""Ceilings are measured on real servers by real clients, and say what limited them."""

import os
import re
import signal

import pytest

from harness.errors import ServerError
from harness.serving.listening import free_port
from harness.supervise import Supervisor
from targets.backends import dynamodb, graph
from targets.backends import redis as redis_store
from targets.backends.ceilings import Bottleneck, limit_of, probe, warm_up_graph
from targets.backends.clients import Clients, Round
from tests.support.processes import descendants
from tests.support.servers import empty


def a_round(processes, client_processors, machine_busy):
    return Round(processes, 4, 100.0, client_processors, machine_busy)


@pytest.mark.parametrize(
    ("done", "limit"),
    [
        (
            a_round(2, 0.5, 0.75),
            Bottleneck.SERVER,
        ),  # One Python server on two processors: busy, and alone at it.
        (a_round(1, 0.95, 0.70), Bottleneck.CLIENTS),  # A Python client that can do no more.
        (a_round(2, 1.3, 0.99), Bottleneck.MACHINE),  # Both want the same processors.
        (
            a_round(4, 1.9, 1.00),
            Bottleneck.CLIENTS,
        ),  # More clients than processors, and nothing left for the server.
    ],
)
def test_a_round_says_what_limited_it_on_two_processors(done, limit):
    assert limit_of(done, processors=2) is limit


@pytest.fixture
def environment(servers):
    found = servers.environment()
    empty(found)
    return found


@pytest.fixture
def seeded(environment):
    client = dynamodb.connect(environment)
    client.create_table(
        TableName=environment["DYNAMO_TABLE_NAME"],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    client.put_item(TableName=environment["DYNAMO_TABLE_NAME"], Item={"pk": {"S": "a"}, "sk": {"S": "META"}})
    client.close()
    with graph.connect(environment) as driver, driver.session() as session:
        session.run("CREATE (:Asset {tenant: 't', id: 'a'})-[:HAS_RISK]->(:Risk {id: 'r'})").consume()
    with redis_store.connect(environment) as cache:
        cache.set("key", "value")
        cache.rpush("list", "not", "a", "string")
    return environment


@pytest.mark.servers
def test_each_store_has_a_ceiling_that_names_its_read_and_its_clients(seeded):
    before = descendants(os.getpid())
    ceilings = probe(seeded, budget_s=0.4)
    assert descendants(os.getpid()) == before
    assert list(ceilings) == ["dynamodb", "neo4j", "redis"]
    for ceiling in ceilings.values():
        assert ceiling.rate_per_s > 0
        assert ceiling.clients in {1, 2, 4, 8}
        assert re.search(
            r", [12] client process(es)? of [14] threads? using \d\.\d of \d+ processors; ", ceiling.what
        )
    reads = {store: ceiling.what.partition(" (")[0] for store, ceiling in ceilings.items()}
    assert reads == {
        "dynamodb": "GetItem and Query in turn of one item",
        "neo4j": "the risks of one asset",
        "redis": "GET of one key",
    }


@pytest.mark.servers
def test_the_probe_reads_what_the_server_counts_and_writes_nothing(seeded):
    with redis_store.connect(seeded) as cache:
        cache.config_resetstat()
        ceiling = probe(seeded, budget_s=0.4, stores=["redis"])["redis"]
        seen = {
            name.removeprefix("cmdstat_"): stat["calls"] for name, stat in cache.info("commandstats").items()
        }
        keys = cache.dbsize()
    assert ceiling.rate_per_s * 0.1 <= seen["get"]
    assert not seen.keys() & {"set", "del", "flushdb", "flushall"}
    assert keys == 2


@pytest.mark.servers
def test_a_round_asks_as_many_clients_as_it_says(seeded, tmp_path):
    with Supervisor() as supervisor:
        clients = Clients(supervisor, "redis", seeded, tmp_path, 2)
        clients.wait()
        os.kill(clients._children[1].pid, signal.SIGKILL)
        clients._children[1].wait(10)
        assert clients.round(1, 1, 0.05).rate_per_s > 0
        with pytest.raises(ServerError, match="A client of redis was killed by SIGKILL"):
            clients.round(2, 1, 0.05)


@pytest.mark.servers
def test_warming_up_the_graph_ends_within_its_rounds(seeded):
    rates = warm_up_graph(seeded, budget_s=1.0)
    assert 1 <= len(rates) <= 4
    assert all(rate > 0 for rate in rates)


@pytest.mark.servers
def test_empty_stores_are_measured_too_and_the_text_says_so(environment):
    ceilings = probe(environment, budget_s=0.1, stores=["redis", "neo4j"])
    assert ceilings["redis"].what.startswith("GET of one key that does not exist")
    assert ceilings["neo4j"].what.startswith("`RETURN 1 AS one` on an empty graph")


@pytest.mark.servers
def test_a_table_that_does_not_exist_is_an_error_that_names_it(environment):
    with pytest.raises(
        ServerError, match=r"(?s)A client of dynamodb ended .*The table 'assets' does not exist"
    ):
        probe(environment, stores=["dynamodb"])


def test_a_store_that_does_not_answer_is_an_error_and_leaves_no_client(tmp_path):
    before = descendants(os.getpid())
    environment = {"REDIS_ENDPOINT": f"127.0.0.1:{free_port()}"}
    with pytest.raises(
        ServerError, match=r"(?s)A client of redis ended with exit code 1.*Connection refused"
    ):
        probe(environment, stores=["redis"])
    assert descendants(os.getpid()) == before
