"""The core on real servers: what it stores, reads, refuses, and how it ends calls that would hang."""

import contextlib
import functools
import json
import logging
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from itertools import chain

import neo4j
import pytest
from botocore.client import BaseClient

from targets.asset_core.counting import Tally
from targets.asset_core.data.generator import SHARED_ID
from targets.asset_core.errors import CoreError, DeadlineError, StoreError
from targets.asset_core.model import Asset, Bundle, Risk, Technology
from targets.asset_core.profiles import LAMBDA, SERVER, RedisLimits
from targets.asset_core.scope import Scope
from targets.asset_core.seeding import seed
from targets.asset_core.settings import StoreSettings, read_stores
from targets.asset_core.stores import dynamo_client, graph_queries
from targets.asset_core.stores.graph import BoltGraph
from targets.asset_core.stores.redis_cache import RedisCache
from targets.asset_core.stores.servers import ServerStores
from targets.core_events import proxy_event
from targets.core_target import create

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def settings(empty_servers):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in empty_servers.environment().items():
            patch.setenv(name, value)
        yield read_stores(os.environ)


@pytest.fixture(scope="module")
def seeded(settings):
    return seed(settings, "small", 1)


@pytest.fixture
def stores(settings, seeded):
    made = ServerStores(settings)(LAMBDA, pooling=True)
    yield made
    for store in (made.assets, made.graph, made.cache):
        store.close()


@pytest.fixture
def scope():
    return due_in(60)


def due_in(seconds):
    return Scope(time.monotonic() + seconds, Tally())


class Context:
    def __init__(self, remaining_ms):
        self.remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self):
        return self.remaining_ms


def test_everything_is_written_by_batches(seeded, inventory):
    technologies = sum(len(bundle.technologies) for bundle in inventory)
    assert (seeded.assets, seeded.technologies) == (500, technologies)
    # One call makes the table; 500 assets are one round of writes.
    assert seeded.dynamodb_calls == 1 + -(-(500 + technologies) // 25)
    assert seeded.risks == sum(len(bundle.risks) for bundle in inventory)


def test_seeding_again_changes_nothing_and_empties_only_our_keys(settings, seeded, stores, scope):
    stores.cache.put("asset:a:b:full", b"x", 60, scope)
    stores.cache.put("other", b"x", 60, scope)
    before = counts(stores, scope)
    assert seed(settings, "small", 1).flushed_keys == 1
    assert counts(stores, scope) == before
    assert stores.cache.get("other", scope) == b"x"


def counts(stores, scope):
    nodes = stores.graph.run("MATCH (n) RETURN count(n) AS n", {}, scope)[0]["n"]
    links = stores.graph.run("MATCH ()-[r]->() RETURN count(r) AS n", {}, scope)[0]["n"]
    return nodes, links


def test_every_asset_reads_back_from_the_stores_as_it_was_generated(stores, inventory, scope):
    for bundle in list(inventory)[:60]:
        tenant, asset_id = bundle.asset.tenant, bundle.asset.id
        assert stores.assets.get_asset(tenant, asset_id, scope) == bundle.asset
        assert stores.assets.get_technologies(tenant, asset_id, scope) == sorted(
            bundle.technologies, key=lambda technology: technology.name
        )
        assert stores.graph.get_risks(tenant, asset_id, scope) == sorted(
            bundle.risks, key=lambda risk: (-risk.cvss, risk.id)
        )
        found, truncated = stores.graph.get_relationships(tenant, asset_id, scope)
        assert found == sorted(bundle.relationships, key=lambda edge: (edge.kind, edge.target))
        assert truncated is False
    totals = scope.tally.totals()
    assert (totals["dynamodb.calls"], totals["neo4j.calls"]) == (120, 120)


@pytest.mark.parametrize("variant", ["optimised", "baseline"])
def test_the_whole_core_answers_on_servers_what_it_answers_in_memory(seeded, variant):
    real, memory = create(variant=variant, backends="servers"), create(variant=variant, latency_ms="0")
    real.open()
    memory.open()
    try:
        for number in range(12):
            events = [made.make_event("GET /assets/{id}", random.Random(number)) for made in (real, memory)]
            found, expected = real.call(events[0]), memory.call(events[1])
            assert (found["statusCode"], found["body"]) == (expected["statusCode"], expected["body"])
        assert real.call(real.make_event("GET /health", random.Random(1)))["statusCode"] == 200
    finally:
        real.close()
        memory.close()


HOSTILE = ["x'}) DETACH DELETE n //", "$id", "} OR 1=1 //", "\\", "a\u0000b", "*", "'"]


LAMBDA_FUNCTION = """
import json
from targets.asset_core import lambda_entry
made = lambda_entry.CORE.phases_ns()
health = lambda_entry.handler({"httpMethod": "GET", "path": "/health"}, None)
print(json.dumps([sorted(made), health["statusCode"], json.loads(health["body"])["status"]]))
"""


def test_the_lambda_function_has_made_and_checked_everything_when_its_import_ends(settings, seeded, issuer):
    tokens = {"JWKS": issuer.settings.jwks, "JWT_ISSUER": "i", "JWT_AUDIENCE": "a"}
    result = subprocess.run(
        [sys.executable, "-c", LAMBDA_FUNCTION],
        env=os.environ | tokens,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    made = ["assembly", "clients", "connect", "keys"]
    assert result.stdout.splitlines()[-1:] == [json.dumps([made, 200, "ok"])], result.stderr


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_values_are_only_ever_values(stores, scope, hostile):
    before = counts(stores, scope)
    for tenant, asset_id in (("tenant-01", hostile), (hostile, SHARED_ID)):
        assert stores.graph.get_risks(tenant, asset_id, scope) == []
        assert stores.graph.get_relationships(tenant, asset_id, scope) == ([], False)
        assert stores.assets.get_asset(tenant, asset_id, scope) is None
        assert stores.assets.get_technologies(tenant, asset_id, scope) == []
    assert counts(stores, scope) == before


def test_stores_keep_tenants_apart(stores, inventory, scope):
    other = next(
        b.asset.id for b in inventory if b.asset.tenant == "tenant-02" and b.risks and b.technologies
    )
    assert stores.assets.get_asset("tenant-02", other, scope) is not None
    assert stores.assets.get_asset("tenant-01", other, scope) is None
    assert stores.graph.get_risks("tenant-01", other, scope) == []
    with pytest.raises(ValueError, match="#"):
        stores.assets.get_asset("tenant-01", "x#A#y", scope)


def test_the_graph_refuses_a_second_asset_of_the_same_tenant_and_id(stores, scope):
    create_twice = "CREATE (:Asset {tenant: $tenant, id: $id})"
    with pytest.raises(StoreError, match="Constraint"):
        stores.graph.run(create_twice, {"tenant": "tenant-01", "id": SHARED_ID}, scope, write=True)


def test_values_live_in_redis_as_long_as_asked(stores, scope):
    stores.cache.put("asset:t:short:full", b"\x00\xff", 0.05, scope)
    assert stores.cache.get("asset:t:short:full", scope) == b"\x00\xff"
    time.sleep(0.1)
    assert stores.cache.get("asset:t:short:full", scope) is None
    stores.cache.remove(["asset:t:none:full"], scope)


def test_a_stopped_graph_server_does_not_hold_a_request_or_a_worker(servers, seeded):
    target = create(backends="servers", profile="lambda", switches="l1:off,l2:off")
    target.open()
    pid = servers.pids()["neo4j"]
    event = target.make_event("GET /assets/{id}", random.Random(1))
    executor = target._core._container.resources.executor
    os.kill(pid, signal.SIGSTOP)
    try:
        assert target._core.handler(event, Context(1_500))["statusCode"] == 504
        # The reads end by their own time-outs: no thread is held although the server is still silent.
        wait_until(lambda: executor.left_over == 0)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert target._core.handler(event, Context(20_000))["statusCode"] == 200
    assert all(pool.in_use == 0 for pool in target._core.pools())
    target.close()


def wait_until(holds):
    event = threading.Event()
    for _ in range(3_000):
        if holds():
            return
        event.wait(0.01)
    pytest.fail("it never happened")


@pytest.fixture
def silent():
    """A port that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]


@pytest.fixture
def dead_settings(silent, settings):
    return StoreSettings(
        table="t",
        neo4j_uri=f"bolt://127.0.0.1:{silent}",
        neo4j_user="u",
        neo4j_password="p",
        redis_host="127.0.0.1",
        redis_port=silent,
        dynamo_endpoint=f"http://127.0.0.1:{silent}",
    )


@pytest.mark.parametrize("store", ["assets", "graph", "cache"])
def test_a_silent_server_is_given_up_on_at_the_deadline_of_the_request(dead_settings, store):
    stores = ServerStores(dead_settings)(LAMBDA, pooling=True)
    with pytest.raises(DeadlineError):
        getattr(stores, store).ping(due_in(0.3))
    for made in (stores.assets, stores.graph, stores.cache):
        assert made.pool().in_use == 0
        made.close()


@pytest.mark.parametrize("store", ["assets", "graph", "cache"])
def test_a_refused_connection_is_a_store_error_with_its_name(settings, store):
    closed = StoreSettings(
        table="t",
        neo4j_uri="bolt://127.0.0.1:1",
        neo4j_user="u",
        neo4j_password="p",
        redis_host="127.0.0.1",
        redis_port=1,
        dynamo_endpoint="http://127.0.0.1:1",
    )
    stores = ServerStores(closed)(LAMBDA, pooling=True)
    name = {"assets": "dynamodb", "graph": "neo4j", "cache": "redis"}[store]
    with pytest.raises(CoreError) as caught:
        getattr(stores, store).ping(due_in(20))
    assert caught.value.where == name
    for made in (stores.assets, stores.graph, stores.cache):
        made.close()


def test_a_wrong_password_is_a_store_error_that_does_not_show_it(settings, scope):
    import dataclasses

    graph = BoltGraph(dataclasses.replace(settings, neo4j_password="wrong-one"), LAMBDA.graph, pooling=True)
    with pytest.raises(StoreError) as caught:
        graph.ping(scope)
    assert "wrong-one" not in str(caught.value)
    graph.close()


def client_id(cache, scope):
    return cache._call(scope, cache._client.client_id)


def redis_cache(settings, *, pooling=True, **limits):
    return RedisCache(settings, RedisLimits(pool_size=5, wait_s=1.0, **limits), pooling=pooling)


def test_redis_connections_are_kept_unless_pooling_is_off(settings, scope):
    kept, single = redis_cache(settings), redis_cache(settings, pooling=False)
    assert len({client_id(kept, scope) for _ in range(4)}) == 1
    assert len({client_id(single, scope) for _ in range(4)}) == 4
    kept.close()
    single.close()


@pytest.mark.parametrize("limits", [{"idle_s": 0.05}, {"lifetime_s": 0.05}])
def test_redis_connections_are_retired_when_idle_or_alive_for_too_long(settings, scope, limits):
    cache = redis_cache(settings, **limits)
    first = client_id(cache, scope)
    time.sleep(0.1)
    assert client_id(cache, scope) != first
    cache.close()


def test_a_minimum_of_idle_redis_connections_is_kept_open(settings, scope):
    cache = redis_cache(settings, min_idle=3)
    assert cache.connections.idle == 0
    cache.ping(scope)
    assert cache.connections.idle == 3
    cache.close()


@pytest.mark.parametrize(("busy", "filled"), [(0, 2), (1, 1), (2, 0)])
def test_idle_redis_connections_are_made_only_in_places_that_nobody_needs(settings, scope, busy, filled):
    cache = RedisCache(settings, RedisLimits(pool_size=2, wait_s=0.1, min_idle=2), pooling=True)
    places, seen = [cache._gate.passing(scope) for _ in range(busy)], []
    make = cache.connections.get_connection
    cache.connections.get_connection = lambda: (seen.append(cache.pool().in_use), make())[1]
    for place in places:
        place.__enter__()
    cache.connections.fill(cache._gate)
    assert (cache.connections.idle, seen) == (filled, list(range(busy + 1, 3)))
    for place in places:
        place.__exit__(None, None, None)
    assert cache.pool().in_use == 0
    assert cache.get("none", scope) is None
    cache.close()


def test_idle_redis_connections_that_cannot_be_made_take_no_place_and_fail_nothing(scope):
    cache = RedisCache(StoreSettings("t", "", "", "", "127.0.0.1", 1), SERVER.redis, pooling=True)
    cache.connections.fill(cache._gate)
    assert (cache.pool().in_use, cache.connections.idle) == (0, 0)
    cache.close()


def test_without_pooling_no_redis_connection_is_kept_ready(settings, scope):
    cache = RedisCache(settings, SERVER.redis, pooling=False)
    cache.ping(scope)
    assert cache.connections.idle <= 1
    cache.close()


def test_a_dropped_redis_connection_is_tried_once_more(settings, scope):
    cache, other = redis_cache(settings), redis_cache(settings)
    own = client_id(cache, scope)
    other._call(scope, other._client.client_kill_filter, _id=own)
    assert client_id(cache, scope) != own
    cache.close()
    other.close()


def ports(graph):
    pool = graph._driver._pool
    return {connection.local_port for held in pool.connections.values() for connection in held}


@pytest.mark.parametrize(("pooling", "expected"), [(True, 1), (False, 3)])
def test_graph_connections_are_kept_unless_pooling_is_off(settings, scope, pooling, expected):
    graph, seen = BoltGraph(settings, SERVER.graph, pooling=pooling), set()
    for _ in range(3):
        graph.ping(scope)
        seen |= ports(graph)
    graph.close()
    assert len(seen) == expected


def test_technologies_are_read_over_all_pages(stores, inventory, scope):
    bundle = max(inventory, key=lambda found: len(found.technologies))
    query, pages = stores.assets.client.query, []

    def two_at_a_time(**arguments):
        pages.append(arguments)
        return query(**arguments, Limit=2)

    stores.assets.client.query = two_at_a_time
    found = stores.assets.get_technologies(bundle.asset.tenant, bundle.asset.id, scope)
    assert len(found) == len(bundle.technologies) > 4
    assert len(pages) >= len(found) // 2
    totals = scope.tally.totals()
    assert (totals["dynamodb.calls"], totals["dynamodb.round_trips"]) == (1, len(pages))


def test_technologies_beyond_the_megabyte_of_a_page_are_read_whole(stores, scope):
    technologies = [Technology(f"t{number:02}", "1", "v" * 40_000, "") for number in range(60)]
    bundle = Bundle(
        Asset("host:large", "tenant-08", "host", "n", "", "", 1, (), "", ""), technologies, [], []
    )
    assert stores.assets.write([bundle], scope, batched=True).unwritten == {}
    before = scope.tally.totals()
    assert stores.assets.get_technologies("tenant-08", "host:large", scope) == technologies
    after = scope.tally.totals()
    calls, round_trips = (after[name] - before[name] for name in ("dynamodb.calls", "dynamodb.round_trips"))
    assert (calls, round_trips) == (1, 3)


GRAPH_QUERIES = {
    **{name: text for name, text in vars(graph_queries).items() if isinstance(text, str) and "MATCH" in text},
    **graph_queries.UPSERT_LINKS,
}
ROW = dict.fromkeys((*Risk.__struct_fields__, "type", "name"), "x") | {"exposure": 1.0}


@pytest.fixture(scope="module")
def profiled(settings, inventory, seeded):
    """A function that runs a query, takes back what it wrote, and returns the plan that was followed."""
    auth = (settings.neo4j_user, settings.neo4j_password)
    # Of what is there: a step that nothing reaches names no index.
    asset = inventory.bundle(0).asset
    place = {"tenant": asset.tenant, "id": asset.id}
    row = ROW | place | dict.fromkeys(("asset", "source", "target"), asset.id)
    parameters = place | {"ids": [asset.id], "limit": 5, "rows": [row]}
    with neo4j.GraphDatabase.driver(settings.neo4j_uri, auth=auth) as driver, driver.session() as session:

        def profiled(text):
            with session.begin_transaction() as transaction:
                summary = transaction.run(f"PROFILE {text}", parameters).consume()
                transaction.rollback()
            return summary.profile["args"]["string-representation"]

        yield profiled


def scans_of(plan):
    """Return the steps of a plan that look for nodes by their label, without an index."""
    lookups = re.findall(r"MATCH NODE \(\w* *\w*:.*|Node\w*(?:Seek|Scan)\(.*", plan)
    assert lookups
    return [step for step in lookups if not re.search(r"index[:=] ?Asset\[tenant, ?id\]", step)]


@pytest.mark.parametrize("name", [name for name, text in GRAPH_QUERIES.items() if " MATCH " in f" {text}"])
def test_every_lookup_of_the_graph_follows_an_index(profiled, name):
    assert scans_of(profiled(GRAPH_QUERIES[name])) == []


def test_a_lookup_without_an_index_would_be_seen(profiled):
    assert scans_of(profiled("MATCH (a:Asset {name: $id}) RETURN a.id"))
    assert scans_of(profiled("UNWIND $ids AS one MATCH (a:Asset {name: one}) RETURN a.id"))


@pytest.fixture
def admin(settings, seeded):
    """A function that sends a request with a body to a core on the servers and returns (status, document)."""
    yield from sending(create(backends="servers"))


def sending(target):
    target.open()

    def send(method, path, body=None):
        token = target._issuer.token("tenant-09", "ada", role="admin", use="id")
        event = proxy_event(method, path, {"Authorization": f"Bearer {token}"}, body and json.dumps(body))
        response = target.call(event)
        return response["statusCode"], json.loads(response["body"])

    send.counters = target._core.counters
    send.stores = target._core._container.resources.stores
    yield send
    target.close()


def sent_asset(asset_id="host:a", **fields):
    return {"id": asset_id, "type": "host", "name": "a", **fields}


def test_what_is_ingested_reads_back_from_the_servers(admin, scope):
    risk = {"id": "r'1", "cve": "c", "cvss": 5.0, "title": "'}) DETACH DELETE n //", "severity": "low"}
    risk |= {"exploitability": "none", "status": "open", "found_at": "2025-01-01"}
    sent = sent_asset(
        name="Zürich \u0000 $x",
        technologies=[{"name": "a#b/ü", "version": "1", "vendor": "v", "category": "c"}],
        risks=[risk],
        relationships=[{"kind": "HOSTS", "target": "service:later", "target_type": "service"}],
    )
    for _ in range(2):
        assert admin("POST", "/assets", {"assets": [sent]}) == (
            200,
            {"written": 1, "failed": 0, "failures": []},
        )
        status, found = admin("GET", "/assets/host:a")
        assert status == 200
        assert found["asset"]["name"] == sent["name"]
        assert {part: found[part] for part in ("technologies", "risks", "relationships")} == {
            part: sent[part] for part in ("technologies", "risks", "relationships")
        }
    # The far end is in the graph, but no asset that can be read before it is ingested itself.
    assert admin("GET", "/assets/service:later")[0] == 404
    admin("POST", "/assets", {"assets": [sent_asset("service:later", type="cloud")]})
    admin("POST", "/assets", {"assets": [sent]})
    assert admin("GET", "/assets/host:a")[1]["relationships"][0]["target_type"] == "cloud"


def test_technologies_that_a_failed_attempt_left_behind_are_never_seen(admin, scope, monkeypatch):
    original = admin.stores.assets.write_many

    def without_meta(writes, scope):
        if writes[0].key[1] == "META":
            raise StoreError("refused", where="dynamodb")
        return original(writes, scope)

    monkeypatch.setattr(admin.stores.assets, "write_many", without_meta)
    status, report = admin(
        "POST", "/assets", {"assets": [sent_asset("host:c", technologies=[{"name": "x"}])]}
    )
    assert (status, report["failures"]) == (
        503,
        [{"id": "host:c", "store": "dynamodb", "reason": "unavailable"}],
    )
    assert admin("GET", "/assets/host:c")[0] == 404
    monkeypatch.undo()
    admin("POST", "/assets", {"assets": [sent_asset("host:c", technologies=[{"name": "y"}])]})
    assert [each["name"] for each in admin("GET", "/assets/host:c")[1]["technologies"]] == ["y"]


def test_gone_technologies_are_removed_from_the_table_and_the_exposure_is_kept(admin, scope):
    def sent(*names):
        return {"assets": [sent_asset("host:b", technologies=[{"name": name} for name in names])]}

    admin("POST", "/assets", sent("x", "y"))
    admin.stores.graph.set_exposures("tenant-09", {"host:b": 12.5, "host:none": 1.0}, scope)
    admin("POST", "/assets", sent("y", "z"))
    assert [each["name"] for each in admin("GET", "/assets/host:b")[1]["technologies"]] == ["y", "z"]
    assert admin.stores.assets.get_technology_names("tenant-09", ["host:b"], scope) == {"host:b": ("y", "z")}
    everything = admin.stores.assets.call(
        admin.stores.assets.client.query,
        scope,
        TableName=admin.stores.assets.table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "T#tenant-09#A#host:b"}},
    )
    assert [item["sk"]["S"] for item in everything["Items"]] == ["META", "TECH#y", "TECH#z"]
    assert admin.stores.graph.get_exposures("tenant-09", ["host:b", "host:none"], scope) == {"host:b": 12.5}


def test_batches_read_the_same_from_the_servers_as_one_by_one(stores, inventory, scope):
    own = [b.asset.id for b in inventory if b.asset.tenant == "tenant-01"][:120]
    wanted = [*own, "host:gone", own[0]]
    assets = stores.assets.get_assets("tenant-01", wanted, scope)
    assert assets == {each: stores.assets.get_asset("tenant-01", each, scope) for each in own}
    risks = stores.graph.get_risks_of("tenant-01", wanted, scope)
    links = stores.graph.get_links_of("tenant-01", wanted, 100_000, scope)
    for each in own[:40]:
        assert risks.get(each, []) == stores.graph.get_risks("tenant-01", each, scope)
        assert links.get(each, []) == stores.graph.get_relationships("tenant-01", each, scope)[0]
    assert sum(map(len, stores.graph.get_links_of("tenant-01", own, 7, scope).values())) == 7
    assert stores.graph.get_risks_of("tenant-02", own[1:5], scope) == {}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("asset-discovery", {"scope": ["example.com", "192.0.2.0/29"], "seeds": ["example.com"], "ranges": ["192.0.2.0/29"]}),
        ("vulnerability-scan", {"ids": ["host:v", "host:none"]}),
        ("risk-correlation", {"ids": ["host:w"], "hops": 2}),
    ],
)  # fmt: skip
def test_work_on_the_servers_gives_what_it_gives_in_memory(admin, memory_admin, kind, data):
    scanned, linked = f"host:v-{kind}", f"host:w-{kind}"
    data = json.loads(json.dumps(data).replace("host:v", scanned).replace("host:w", linked))
    products = [{"name": name, "version": "5.0.0"} for name in ("nginx", "Apache httpd", "OpenSSH")]
    link = {"kind": "HOSTS", "target": scanned, "target_type": "host"}
    risk = {"id": "r", "cve": "CVE-1", "cvss": 9.0}
    sent = [
        sent_asset(scanned, technologies=products, risks=[risk]),
        sent_asset(linked, relationships=[link]),
    ]
    found = []
    for send in (admin, memory_admin):
        assert send("POST", "/assets", {"assets": sent})[0] == 200
        answers = [send("POST", "/jobs", {"kind": kind, "data": data, "wait": True}) for _ in range(2)]
        assert [(status, document["state"]) for status, document in answers] == [(200, "done")] * 2
        shown = send("GET", f"/assets/{scanned}")[1]
        risks = [each | {"found_at": ""} for each in shown["risks"]]
        found.append(([document["result"] for _, document in answers], risks))
    assert found[0] == found[1]
    assert admin("POST", "/jobs", {"kind": kind, "data": data})[0] == 202


def test_exposures_and_what_is_counted_are_on_the_servers_as_in_memory(admin, memory_admin):
    risks = [{"id": f"r/{cve}", "cve": cve, "cvss": 5.0, "exploitability": "known_exploited"} for cve in "pq"]
    link = {"kind": "HOSTS", "target": "host:exposed-b", "target_type": "host"}
    sent = [sent_asset("host:exposed-a", relationships=[link]), sent_asset("host:exposed-b", risks=risks)]
    work = {"ids": ["host:exposed-a", "host:exposed-b"], "hops": 1}
    job = {"kind": "risk-correlation", "data": work, "wait": True}
    rows = []
    for send in (admin, memory_admin):
        send("POST", "/assets", {"assets": sent})
        assert [send("GET", f"/assets/{each}")[1]["exposure"] for each in work["ids"]] == [None, None]
        assert send("POST", "/jobs", job)[0] == 200
        # At home 1 - 0.5 * 0.5; a hop away each counts half: 1 - 0.75 * 0.75.
        for _ in range(2):
            shown = [send("GET", f"/assets/{each}")[1] for each in work["ids"]]
            assert [each["exposure"] for each in shown] == [43.75, 75.0]
            assert [len(each["risks"]) for each in shown] == [0, 2]
            send("POST", "/assets", {"assets": sent})
        rows.append(send.counters()["GET /assets/{id}"]["neo4j.rows"])
    assert rows[0] == rows[1]


class Spans:
    """A provider that notes all that is said of spans."""

    def __init__(self):
        self.noted = []

    def get_tracer(self, *_arguments, **_options):
        return self

    @contextlib.contextmanager
    def start_as_current_span(self, name, **details):
        self.noted.append(f"{name} {details}")
        try:
            yield
        except BaseException as error:
            self.noted.append(repr(error))
            raise


EVERYTHING = [
    ("GET", "/assets/domain:shared.example", None),
    ("GET", "/assets/host:gone", None),
    ("GET", "/assets/x!", None),
    ("GET", "/health", None),
    ("POST", "/assets", {"assets": [{"id": "host:s", "type": "host", "name": "n"}]}),
    ("POST", "/assets/batch-get", {"ids": ["host:s"]}),
    ("POST", "/jobs", {"kind": "risk-correlation", "data": {"ids": ["host:s"]}, "wait": True}),
    ("POST", "/jobs", {"kind": "risk-correlation", "data": {"ids": ["host:s"]}}),
]


DISCOVERY = {"scope": ["example.com"], "seeds": ["example.com"], "ranges": []}


@pytest.mark.parametrize(
    ("switches", "writes"), [("", {"BatchWriteItem"}), ("batch_writes:off", {"PutItem", "DeleteItem"})]
)
def test_dynamodb_is_asked_by_key_alone_whatever_is_asked_of_the_core(
    settings, seeded, monkeypatch, switches, writes
):
    asked, call = [], BaseClient._make_api_call

    def noted(client, name, arguments):
        asked.append((name, arguments))
        return call(client, name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    jobs = [("asset-discovery", DISCOVERY), ("vulnerability-scan", {"ids": ["host:s"]})]
    gone = (
        {"assets": [sent_asset("host:s", technologies=[{"name": "x"}])]},
        {"assets": [sent_asset("host:s")]},
    )
    for send in sending(create(backends="servers", switches=switches)):
        for body in gone:
            assert send("POST", "/assets", body)[0] == 200
        for request in EVERYTHING:
            send(*request)
        for kind, data in jobs:
            assert send("POST", "/jobs", {"kind": kind, "data": data, "wait": True})[0] == 200
    assert {name for name, _ in asked} == {"GetItem", "BatchGetItem", "Query"} | writes
    queries = [arguments for name, arguments in asked if name == "Query"]
    assert {query["KeyConditionExpression"] for query in queries} == {"pk = :pk"}
    assert not {"FilterExpression", "IndexName", "ConsistentRead"}.intersection(chain.from_iterable(queries))


@pytest.mark.parametrize("variant", ["optimised", "baseline"])
def test_no_secret_is_in_anything_that_is_emitted(servers, seeded, caplog, capfd, monkeypatch, variant):
    spans = Spans()
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: spans)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token-to-be-kept-secret")
    # boto3 reads credentials once for a session.
    monkeypatch.setattr(dynamo_client, "_session", functools.cache(dynamo_client._session.__wrapped__))
    caplog.set_level(logging.DEBUG)
    target = create(backends="servers", variant=variant)
    target.open()
    issue = target._issuer.token
    tokens = [
        issue("tenant-09", "ada", role=role, use=use)
        for role in ("admin", "nobody")
        for use in ("id", "access")
    ]
    answers = []
    for token in [*tokens, tokens[0] + "x", tokens[0].rpartition(".")[0] + ".AAAA"]:
        for method, path, body in EVERYTHING:
            headers = {"Authorization": f"Bearer {token}"}
            event = proxy_event(method, path, headers, body and json.dumps(body))
            answers.append(target.call(event | {"queryStringParameters": {"details": "1"}}))
    store = target._core._container.resources or None
    health = str(target._core.pools()) + str(target._core.counters()) + repr(store)
    target.close()
    assert {answer["statusCode"] for answer in answers} == {200, 202, 400, 401, 403, 404}
    emitted = "\n".join([caplog.text, *spans.noted, *capfd.readouterr(), str(answers), health])
    assert "asset_core.audit" in emitted
    # A read asks Redis first, where there is a shared cache, and the graph only if tests before have left nothing there.
    assert any(noted.startswith(("redis.", "neo4j.")) for noted in spans.noted)
    assert '"unauthorised":' in emitted
    variables = {name: value for name, value in os.environ.items() if name in SECRETS}
    assert len(variables) == len(SECRETS)
    secrets = [*variables.values(), *(part for token in tokens for part in token.split(".")[1:])]
    assert [secret for secret in secrets if secret in emitted] == []


SECRETS = ("NEO4J_PASSWORD", "REDIS_PASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
HOSTILE_TEXT = "'}) DETACH DELETE n // $id \u0000 \\ `x` {{}} ' OR 1=1 --"


def test_tenants_are_kept_apart_on_the_servers_whatever_their_data_says(seeded, stores, scope, inventory):
    target = create(backends="servers")
    target.open()

    def send(tenant, method, path, body=None, **headers):
        token = target._issuer.token(tenant, "ada", role="admin", use="id")
        headers |= {"Authorization": f"Bearer {token}"}
        response = target.call(proxy_event(method, path, headers, body and json.dumps(body)))
        return response["statusCode"], json.loads(response["body"])

    hostile = sent_asset(
        "host:h",
        name=HOSTILE_TEXT,
        description=HOSTILE_TEXT,
        tags=[HOSTILE_TEXT],
        technologies=[
            {"name": HOSTILE_TEXT, "version": "#META", "vendor": "TECH#x", "category": HOSTILE_TEXT}
        ],
        risks=[{"id": HOSTILE_TEXT, "cve": HOSTILE_TEXT, "cvss": 5.0, "title": HOSTILE_TEXT}],
    )
    nodes, links = counts(stores, scope)
    assert send("tenant-a", "POST", "/assets", {"assets": [hostile]})[1]["written"] == 1
    # One asset, one risk, and what holds them together: nothing else was made or lost.
    assert counts(stores, scope) == (nodes + 2, links + 1)
    shown = send("tenant-a", "GET", "/assets/host:h")[1]
    assert (shown["asset"]["name"], shown["risks"][0]["id"]) == (HOSTILE_TEXT, HOSTILE_TEXT)
    assert shown["technologies"][0]["name"] == HOSTILE_TEXT
    work = {"ids": ["host:h"]}
    status, job = send("tenant-a", "POST", "/jobs", {"kind": "risk-correlation", "data": work, "wait": True})
    assert (status, job["state"]) == (200, "done")
    for other in ("tenant-b", "tenant-a.", "tenant-A"):
        assert send(other, "GET", "/assets/host:h")[0] == 404
        assert send(other, "GET", f"/jobs/{job['id']}")[0] == 404
        results = send(other, "POST", "/assets/batch-get", work)[1]["results"]
        assert results[0]["error"]["code"] == "not_found"
        for kind in ("risk-correlation", "vulnerability-scan"):
            done = send(other, "POST", "/jobs", {"kind": kind, "data": work, "wait": True})[1]
            assert done["result"]["missing"] == ["host:h"]
        risk = hostile["risks"][0] | {"title": "theirs", "cvss": 9.0}
        same = sent_asset("host:h", name="theirs", risks=[risk])
        assert send(other, "POST", "/assets", {"assets": [same]})[0] == 200
        assert send(other, "GET", "/assets/host:h")[1]["asset"]["name"] == "theirs"
    target._core._container.resources.cache.invalidate("tenant-a", ["host:h"], scope)
    again = send("tenant-a", "GET", "/assets/host:h")[1]
    assert again == shown | {"exposure": job["result"]["assets"][0]["exposure"]}
    target.close()


@pytest.fixture
def memory_admin():
    target = create(latency_ms="0")
    yield from sending(target)


def test_a_batch_of_a_thousand_takes_as_few_writes_as_its_items_fill(stores, scope):
    from targets.asset_core.ingest import Ingest

    class Cache:
        def invalidate(self, *_arguments):
            pass

    bundles = [
        Bundle(
            Asset(f"host:{number}", "tenant-08", "host", "n", "", "", 1, (), "", ""),
            [Technology(f"t{each}", "1", "", "") for each in range(number % 3)],
            [],
            [],
        )
        for number in range(1_000)
    ]
    report = Ingest(stores, Cache(), True).write("tenant-08", bundles, scope)
    totals = scope.tally.totals()
    assert (report.written, report.failed) == (1_000, 0)
    # Ten reads of what was there before; 1,000 assets and 999 technologies.
    assert totals["dynamodb.calls"] == 10 + -(-1_999 // 25)
    assert totals["neo4j.calls"] == 1


@pytest.fixture
def pair(settings, seeded):
    """Two processes' worth of cores on the same servers."""
    targets = [create(backends="servers") for _ in range(2)]
    for target in targets:
        target.open()
    yield [asking(target) for target in targets]
    for target in targets:
        target.close()
    assert not [thread.name for thread in threading.enumerate() if "listener" in thread.name]


def asking(target):
    def ask(method, path, body=None):
        token = target._issuer.token("tenant-07", "ada", role="admin", use="id")
        event = proxy_event(method, path, {"Authorization": f"Bearer {token}"}, body and json.dumps(body))
        return json.loads(target.call(event)["body"])

    ask.cache = target._core._container.resources.cache
    return ask


def write(ask, name):
    ask("POST", "/assets", {"assets": [sent_asset("host:p", name=name)]})


def read_name(ask):
    return ask("GET", "/assets/host:p")["asset"]["name"]


def test_what_one_process_writes_the_others_see_although_it_is_in_their_memory(pair):
    one, other = pair
    for number in range(5):
        write(one if number % 2 else other, f"name {number}")
        for ask in pair:
            wait_until(lambda ask=ask, number=number: read_name(ask) == f"name {number}")


def test_what_was_missed_while_redis_was_away_is_forgotten_when_it_is_back(pair, stores, scope, monkeypatch):
    one, other = pair
    write(one, "old")
    wait_until(lambda: read_name(other) == "old")
    forgotten = []
    original = other.cache.forget_all
    monkeypatch.setattr(other.cache, "forget", lambda _keys: None)
    listener = threading.Event()

    def forget_all():
        original()
        forgotten.append(1)
        listener.set()

    other.cache.forget_all = forget_all
    invalidations = create_invalidations(other, stores)
    wait_until(lambda: forgotten)
    write(one, "new")
    stores.cache._client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    wait_until(lambda: len(forgotten) >= 2)
    assert read_name(other) == "new"
    invalidations.stop()


def create_invalidations(ask, stores):
    from targets.asset_core.cache.invalidations import Invalidations

    made = Invalidations(stores.cache, ask.cache)
    made.start()
    return made


def test_a_message_that_cannot_be_read_makes_everything_be_forgotten(stores, scope):
    keys, gaps = [], []
    end = stores.cache.listen(keys.extend, lambda: gaps.append(1), lambda: None)
    wait_until(lambda: gaps)
    stores.cache.announce(["mine"], scope)
    stores.cache._client.publish("asset:forgotten", b"\xff")
    wait_until(lambda: len(gaps) == 2)
    end()
    assert keys == []
