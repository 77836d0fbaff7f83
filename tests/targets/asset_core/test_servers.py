"""The core on real servers: what it stores and reads there, with which queries, and that one stopped server does not hold it."""

import json
import os
import random
import re
import signal
import subprocess
import sys

import neo4j
import pytest

from targets.asset_core.data.generator import SHARED_ID
from targets.asset_core.errors import StoreError
from targets.asset_core.model import Asset, Bundle, Risk, Technology
from targets.asset_core.seeding import seed
from targets.asset_core.stores import graph_queries
from targets.core_target import create
from tests.support.core import Context, counts, wait_until

pytestmark = pytest.mark.servers
DYNALITE_LACKS: dict[str, str] = {}


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
