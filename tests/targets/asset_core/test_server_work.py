"""Writing and working on real servers: what it leaves there, as in memory, and what other processes see of it."""

import json
import threading

import pytest

from targets.asset_core.errors import StoreError
from targets.asset_core.model import Asset, Bundle, Technology
from targets.core_events import proxy_event
from targets.core_target import create
from tests.support.core import sent_asset, wait_until

pytestmark = pytest.mark.servers
DYNALITE_LACKS: dict[str, str] = {}


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
