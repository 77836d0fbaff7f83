"""The batch writer on a real boto3 client whose HTTP answers are made by botocore's event hooks."""

import json
import random
import time

import pytest
from botocore.awsrequest import AWSResponse

from targets.asset_core.counting import Tally
from targets.asset_core.errors import DeadlineError
from targets.asset_core.profiles import LAMBDA
from targets.asset_core.scope import Scope
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores.back_off import BackOff
from targets.asset_core.stores.batch_writer import write_batches, write_singly
from targets.asset_core.stores.dynamo import DynamoAssets
from targets.asset_core.stores.dynamo_items import items_of, key_of, read_asset, read_technology
from targets.asset_core.stores.dynamo_reads import read_batches
from tests.support.core import due_in


class Raw:
    """The body of an HTTP answer."""

    def __init__(self, data):
        self.data = data

    def stream(self, **_options):
        return iter([self.data])


class Http:
    """Answers for DynamoDB: keeps what is written, and leaves unprocessed what `refuses` says."""

    def __init__(self):
        self.items, self.calls, self.refuses, self.status = {}, [], lambda _call, _item: False, 200

    def __call__(self, request, **_options):
        operation = request.headers["X-Amz-Target"].decode().partition(".")[2]
        body = json.loads(request.body)
        self.calls.append((operation, body))
        answer = getattr(self, operation)(body) if self.status == 200 else {"__type": "InternalServerError"}
        return AWSResponse(request.url, self.status, {}, Raw(json.dumps(answer).encode()))

    def BatchWriteItem(self, body):  # noqa: N802 - DynamoDB's name.
        items = [request["PutRequest"]["Item"] for request in body["RequestItems"]["t"]]
        assert len({key_of(item) for item in items}) == len(items) <= 25
        refused = [item for item in items if self.refuses(len(self.calls), item)]
        self.items |= {key_of(item): item for item in items if item not in refused}
        return {
            "UnprocessedItems": {"t": [{"PutRequest": {"Item": item}} for item in refused]} if refused else {}
        }

    def GetItem(self, _body):  # noqa: N802
        return {}

    def Query(self, _body):  # noqa: N802
        return {"Items": []}

    def BatchGetItem(self, body):  # noqa: N802
        asked = [key_of(key) for key in body["RequestItems"]["t"]["Keys"]]
        refused = [key for key in asked if self.refuses(len(self.calls), key)]
        left = {"t": {"Keys": [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in refused]}}
        found = [self.items[key] for key in asked if key in self.items and key not in refused]
        return {"Responses": {"t": found}, "UnprocessedKeys": left if refused else {}}

    def PutItem(self, body):  # noqa: N802
        self.items[key_of(body["Item"])] = body["Item"]
        return {}


@pytest.fixture
def http():
    return Http()


@pytest.fixture
def store(http, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    settings = StoreSettings(
        table="t",
        neo4j_uri="",
        neo4j_user="",
        neo4j_password="",
        redis_host="",
        redis_port=0,
        dynamo_endpoint="http://127.0.0.1:1",
    )
    made = DynamoAssets(settings, LAMBDA.dynamo, pooling=True)
    made.client.meta.events.register("before-send.dynamodb", http)
    yield made
    made.close()


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def write(store, pauses):
    def made(items, scope):
        return write_batches(store, items, scope, rng=random.Random(1), sleep=pauses.append)

    return made


def item(number, value="x"):
    return {"pk": {"S": f"T#a#A#{number}"}, "sk": {"S": "META"}, "value": {"S": value}}


def test_items_are_written_in_as_few_calls_as_possible(write, http):
    report = write([item(number) for number in range(101)], due_in(60))
    assert (report.written, report.calls, report.unwritten) == (101, 5, {})
    assert report.duration_ns > 0
    assert len(http.items) == 101


def test_the_last_of_duplicates_wins_and_is_written_once(write, http):
    report = write([item(1, "old"), item(2), item(1, "new")], due_in(60))
    assert (report.written, report.calls) == (2, 1)
    assert http.items["T#a#A#1", "META"]["value"] == {"S": "new"}


def test_unprocessed_items_are_tried_again_with_growing_jittered_pauses(write, http, pauses):
    http.refuses = lambda call, found: call <= 4 and found["pk"]["S"].endswith(("1", "7"))
    report = write([item(number) for number in range(10)], due_in(60))
    assert (report.written, report.calls, report.unwritten) == (10, 5, {})
    assert len(http.items) == 10
    assert [len(body["RequestItems"]["t"]) for _, body in http.calls] == [10, 2, 2, 2, 2]
    limits = [0.05, 0.1, 0.2, 0.4]
    # Full jitter: anything from nothing to the limit, drawn anew each time.
    shares = [pause / limit for pause, limit in zip(pauses, limits, strict=True)]
    assert all(0 <= share < 1 for share in shares)
    assert min(shares) < 0.5 < max(shares)
    assert max(pauses) > limits[0]


class Longest:
    """Draws the longest pause of all."""

    def uniform(self, low, high):
        assert low == 0.0
        return high


def test_pauses_double_to_five_seconds_and_begin_anew_and_none_outlasts_the_deadline(clock):
    slept = []
    back_off = BackOff(Scope(clock.now_s + 10, Tally(), clock.read), slept.append, Longest().uniform)
    assert all(back_off.pause() for _ in range(9))
    assert slept == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    back_off.reset()
    assert back_off.pause()
    clock.advance(9.9)
    assert not back_off.pause()
    assert slept[9:] == [0.05]


def test_a_batch_that_is_processed_whole_makes_the_next_pause_short_again(store, http, pauses):
    http.refuses = lambda call, found: call in {1, 3} and found["pk"]["S"].endswith(("#0", "#55"))
    items = [item(number) for number in range(60)]
    assert write_batches(store, items, due_in(60), rng=Longest(), sleep=pauses.append).unwritten == {}
    assert [len(body["RequestItems"]["t"]) for _, body in http.calls] == [25, 25, 11, 1]
    assert pauses == [0.05, 0.05]


def test_what_is_still_unprocessed_at_the_deadline_is_reported_by_key(write, http):
    http.refuses = lambda _call, found: found["pk"]["S"].endswith("3")
    clock = [0.0]
    scope = Scope(3.0, Tally(), lambda: clock[0])

    original = http.BatchWriteItem

    def slow(body):
        clock[0] += 1.0
        return original(body)

    http.BatchWriteItem = slow
    report = write([item(number) for number in range(5)], scope)
    assert report.written == 4
    assert list(report.unwritten) == [("T#a#A#3", "META")]
    assert "deadline" in report.unwritten["T#a#A#3", "META"]


def test_a_failing_call_reports_its_batch_and_does_not_stop_the_others(write, http, store, monkeypatch):
    monkeypatch.setattr(store, "call", failing_once(store.call))
    report = write([item(number) for number in range(30)], due_in(60))
    assert (report.written, len(report.unwritten)) == (5, 25)
    assert "neo" not in str(report.unwritten)


def failing_once(call):
    from targets.asset_core.errors import StoreError

    failed = []

    def calling(*arguments, **options):
        if not failed:
            failed.append(1)
            raise StoreError("down", where="dynamodb")
        return call(*arguments, **options)

    return calling


def test_meta_is_left_out_and_reported_when_a_part_of_its_asset_is_not_written(write, http):
    http.refuses = lambda _call, found: found["sk"]["S"] == "TECH#bad"
    parts = [item(1) | {"sk": {"S": f"TECH#{name}"}} for name in ("good", "bad")]
    report = write([*parts, item(1), item(2)], due_in(0.2))
    assert report.written == 2
    assert set(report.unwritten) == {("T#a#A#1", "TECH#bad"), ("T#a#A#1", "META")}
    assert set(http.items) == {("T#a#A#1", "TECH#good"), ("T#a#A#2", "META")}


def test_what_is_gone_is_deleted_in_the_same_calls_before_meta(store, http):
    http.BatchWriteItem = lambda _body: {}
    key = ("T#a#A#1", "TECH#old")
    report = write_batches(store, [item(1), item(2)], due_in(60), gone=[key])
    assert (report.written, report.calls) == (3, 2)
    deletion = {"DeleteRequest": {"Key": {"pk": {"S": key[0]}, "sk": {"S": key[1]}}}}
    assert deletion in http.calls[0][1]["RequestItems"]["t"]
    assert http.calls[1][1]["RequestItems"]["t"] == [{"PutRequest": {"Item": item(1)}}]


def test_no_write_begins_after_the_deadline(write, http):
    report = write([item(1)], due_in(-1))
    assert (report.written, len(report.unwritten), http.calls) == (0, 1, [])


def test_without_batches_each_item_is_a_call(store, http):
    scope = due_in(60)
    report = write_singly(store, [item(number) for number in range(7)], scope)
    assert (report.written, report.calls, len(http.items)) == (7, 7, 7)
    assert scope.tally.totals()["dynamodb.calls"] == 7


def test_three_tries_in_all_are_made_and_then_the_store_is_named(store, http):
    from targets.asset_core.errors import StoreError

    http.status = 500
    with pytest.raises(StoreError, match="dynamodb"):
        store.get_asset("a", "b", due_in(60))
    assert len(http.calls) == 3


def test_an_asset_is_written_with_meta_last_and_reads_back_as_it_was(inventory):
    for bundle in inventory:
        *technologies, meta = items_of(bundle)
        assert meta["sk"] == {"S": "META"}
        assert read_asset(meta) == bundle.asset
        assert [read_technology(found) for found in technologies] == bundle.technologies


def test_a_malformed_item_names_its_key():
    from targets.asset_core.errors import StoreError

    with pytest.raises(StoreError, match="T#a#A#1"):
        read_asset(item(1))


@pytest.fixture
def stored(http, inventory):
    """Two assets that are there."""
    bundles = [inventory.bundle(0), inventory.bundle(1)]
    http.items = {key_of(item): item for bundle in bundles for item in items_of(bundle)}
    return bundles


def test_what_is_left_unprocessed_of_a_read_is_asked_for_again_until_all_is_there(store, http, stored):
    http.refuses = lambda call, key: call < 3 and stored[1].asset.id in key[0]
    tenant, ids = stored[0].asset.tenant, [bundle.asset.id for bundle in stored]
    assert store.get_assets(tenant, [*ids, "none"], due_in(60)) == {
        each.asset.id: each.asset for each in stored
    }
    assert len(http.calls) == 3


def test_what_is_left_unprocessed_of_a_read_is_asked_for_as_the_rest_was(store, http, stored):
    http.refuses = lambda call, _key: call == 1
    tenant, ids = stored[0].asset.tenant, [bundle.asset.id for bundle in stored]
    assert set(store.get_technology_names(tenant, ids, due_in(60))) == set(ids)
    first, second = (body["RequestItems"]["t"] for _, body in http.calls)
    assert first == second
    assert "ProjectionExpression" in second


def test_reads_of_many_ask_for_a_hundred_a_call(store, http):
    store.get_assets("a", [f"host:{number}" for number in range(201)], due_in(60))
    assert [len(body["RequestItems"]["t"]["Keys"]) for _, body in http.calls] == [100, 100, 1]


def test_pauses_between_reads_are_drawn_and_grow(store, http, monkeypatch):
    drawn, slept = [], []
    monkeypatch.setattr("random.uniform", lambda low, high: drawn.append((low, high)) or 0.001 * len(drawn))
    http.refuses = lambda call, _key: call <= 3
    read_batches(store, [{"pk": {"S": "p"}, "sk": {"S": "s"}}], (), due_in(60), sleep=slept.append)
    assert drawn == [(0.0, 0.05), (0.0, 0.1), (0.0, 0.2)]
    assert slept == [0.001, 0.002, 0.003]


def test_a_read_of_which_a_part_is_unprocessed_at_the_deadline_is_no_answer(store, http, stored):
    http.refuses = lambda _call, key: stored[1].asset.id in key[0]
    with pytest.raises(DeadlineError):
        store.get_assets(stored[0].asset.tenant, [bundle.asset.id for bundle in stored], due_in(0.3))


def test_no_pause_of_a_read_goes_beyond_the_deadline(store, http, clock):
    http.refuses = lambda _call, _key: True
    due_s = clock.now_s + 3
    scope = Scope(due_s, Tally(), clock.read)
    with pytest.raises(DeadlineError):
        read_batches(store, [{"pk": {"S": "p"}, "sk": {"S": "s"}}], (), scope, sleep=clock.advance)
    assert due_s - 3 < clock.now_s < due_s


def test_reads_are_eventually_consistent(store, http):
    store.get_asset("a", "b", due_in(60))
    store.get_assets("a", ["b"], due_in(60))
    store.get_technologies("a", "b", due_in(60))
    store.get_technology_names("a", ["b"], due_in(60))
    operations = [operation for operation, _ in http.calls]
    assert operations == ["GetItem", "BatchGetItem", "Query", "BatchGetItem"]
    assert not [body for _, body in http.calls if "ConsistentRead" in json.dumps(body)]


def test_a_whole_call_with_all_its_attempts_has_thirty_seconds_however_long_the_request_may_take(store, http):
    left = []
    answer = http.GetItem
    http.GetItem = lambda body: left.append(store._current.due_s - time.monotonic()) or answer(body)
    for seconds in (60, 20):
        store.get_asset("a", "b", due_in(seconds))
    assert 20 < left[0] <= 30
    assert left[1] <= 20


def test_attempts_are_cut_to_the_time_of_the_call(store):
    session = store.client._endpoint.http_session
    with store._current.bounded(due_in(0.5)):
        timeout = session._get_request_timeout(None)
    assert timeout.connect_timeout <= 0.5
    assert timeout._read <= 0.5
    unbounded = session._get_request_timeout(None)
    assert (unbounded.connect_timeout, unbounded._read) == (10.0, 10.0)
