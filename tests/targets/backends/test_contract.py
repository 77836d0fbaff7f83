"""`harness doctor --backends … --verify`: a store that keeps the contract, one that breaks it, and what is left of it afterwards."""

import dataclasses
import os

import pytest

from harness.errors import UsageError
from targets.asset_core.settings import read_stores
from targets.asset_core.stores.dynamo import DynamoAssets
from targets.backends import contract, dynamodb, graph
from targets.backends import redis as redis_store
from targets.backends.own_places import own_places
from tests.support.cli import inside

pytestmark = pytest.mark.servers
VERIFY = ("doctor", "--backends", "external", "--verify")


@pytest.fixture
def environment(empty_servers):
    return {**empty_servers.environment(), "DYNAMO_TABLE_NAME": "not-there"}


def left_in(environment):
    """Return what the stores hold: tables, nodes, keys."""
    client = dynamodb.connect(environment)
    with graph.connect(environment) as driver, driver.session() as session:
        nodes = session.run("MATCH (n) RETURN count(n) AS n").single()["n"]
    with redis_store.connect(environment) as cache:
        return client.list_tables()["TableNames"], nodes, cache.keys("*")


def test_the_servers_keep_the_contract_and_nothing_of_it_is_left(environment, tmp_path):
    said = inside(tmp_path, *VERIFY, "--json", **environment)
    findings = said.document["findings"]
    assert [one["sentence"] for one in findings if not one["ok"]] == []
    assert said.code == 0
    promises = [(store, promise) for store, promise, _ in contract.CONTRACT]
    assert [(one["name"], one["sentence"]) for one in findings[1:]] == promises
    assert left_in(environment) == ([], 0, [])


def test_a_store_that_breaks_its_promise_is_named_and_the_others_are_still_checked(
    environment, tmp_path, monkeypatch
):
    monkeypatch.setattr(DynamoAssets, "get_technologies", lambda *_: [])
    said = inside(tmp_path, *VERIFY, **environment)
    assert said.code == 3
    broken = [line for line in said.stdout.splitlines() if line.startswith("PROBLEM")]
    assert [line.split(":")[:2] for line in broken] == [
        ["PROBLEM dynamodb", " what is written in batches reads back"],
        ["PROBLEM dynamodb", " a query is read over all of its pages"],
    ]
    assert "ok      redis: a value keeps its bytes" in said.stdout
    assert left_in(environment) == ([], 0, [])


def test_a_graph_with_data_and_without_room_for_another_is_refused_and_untouched(environment, tmp_path):
    with graph.connect(environment) as driver, driver.session() as session:
        session.run("CREATE (:Mine)").consume()
        try:
            said = inside(tmp_path, *VERIFY, **environment)
            assert session.run("MATCH (n:Mine) RETURN count(n) AS n").single()["n"] == 1
        finally:
            session.run("MATCH (n:Mine) DELETE n").consume()
    assert said.code == 2
    assert "holds 1 nodes" in said.error
    assert "NEO4J_DATABASE" in said.error


def test_a_database_that_can_be_made_is_ones_own_and_is_dropped(environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    driver = _Driver()
    monkeypatch.setattr("neo4j.GraphDatabase.driver", lambda *_, **__: driver)
    with own_places(dataclasses.replace(read_stores(os.environ), neo4j_database="theirs")) as places:
        name = places.settings.neo4j_database
        assert name.startswith("harness-verify-")
        assert places.settings.table == name
    assert driver.ran == [
        ("system", f"CREATE DATABASE `{name}` WAIT"),
        ("system", f"DROP DATABASE `{name}` IF EXISTS"),
    ]


def test_without_stores_there_is_nothing_to_verify(tmp_path):
    said = inside(tmp_path, "doctor", "--verify")
    assert (said.code, "Add --backends external" in said.error) == (2, True)


def test_a_missing_variable_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("NEO4J_URI", raising=False)
    monkeypatch.delenv("DYNAMO_TABLE_NAME", raising=False)
    said = inside(tmp_path, *VERIFY)
    assert (said.code, "NEO4J_URI" in said.error) == (UsageError.exit_code, True)


class _Driver:
    """A server that makes databases; it notes what it was asked."""

    def __init__(self):
        self.ran = []
        self._pool = type("Pool", (), {"acquire": staticmethod(lambda *_: None)})()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def close(self):
        pass

    def session(self, *, database):
        self._database = database
        return self

    def run(self, text):
        self.ran.append((self._database, text))
        return self

    def consume(self):
        pass
