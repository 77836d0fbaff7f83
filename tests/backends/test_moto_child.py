"""The embedded DynamoDB answers queries as DynamoDB does, and keeps its connections."""

import socket
from urllib.parse import urlsplit

import pytest

from harness.supervise import Supervisor
from targets.backends import dynamodb
from targets.backends.dynamodb import DynamoServer
from targets.backends.embedded import EmbeddedServers

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    with Supervisor() as supervisor, EmbeddedServers([DynamoServer]) as servers:
        servers.start(supervisor, tmp_path_factory.mktemp("servers"))
        yield servers.environment()


@pytest.fixture(scope="module")
def table(environment):
    client = dynamodb.connect(environment)
    name = "queries"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk", "kind")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-kind",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for pk in "ab":
        for sk in ("TECH#3", "META", "TECH#1", "TECH#2"):
            item = {"pk": {"S": pk}, "sk": {"S": sk}, "kind": {"S": sk[:4]}}
            client.put_item(TableName=name, Item=item)
    yield client, name
    client.close()


def found(answer):
    return [(item["pk"]["S"], item["sk"]["S"]) for item in answer["Items"]]


def test_a_query_finds_its_partition_only_in_the_order_of_the_range_key(table):
    client, name = table
    answer = client.query(
        TableName=name, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "a"}}
    )
    assert found(answer) == [("a", "META"), ("a", "TECH#1"), ("a", "TECH#2"), ("a", "TECH#3")]


def test_a_query_by_prefix_backwards_and_in_pages_finds_every_item_once(table):
    client, name = table
    pages, start = [], {}
    while True:
        answer = client.query(
            TableName=name,
            KeyConditionExpression="pk = :p AND begins_with(sk, :s)",
            ExpressionAttributeValues={":p": {"S": "b"}, ":s": {"S": "TECH"}},
            ScanIndexForward=False,
            Limit=2,
            **start,
        )
        pages.append(found(answer))
        if "LastEvaluatedKey" not in answer:
            break
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert [row for page in pages for row in page] == [("b", "TECH#3"), ("b", "TECH#2"), ("b", "TECH#1")]


def test_a_query_of_an_unknown_partition_finds_nothing(table):
    client, name = table
    answer = client.query(
        TableName=name, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "c"}}
    )
    assert found(answer) == []


def test_a_query_of_an_index_and_a_scan_look_at_all_partitions(table):
    client, name = table
    answer = client.query(
        TableName=name,
        IndexName="by-kind",
        KeyConditionExpression="kind = :k",
        ExpressionAttributeValues={":k": {"S": "META"}},
    )
    assert sorted(found(answer)) == [("a", "META"), ("b", "META")]
    assert len(client.scan(TableName=name)["Items"]) == 8


def test_a_connection_serves_more_than_one_request(environment):
    address = urlsplit(environment["AWS_ENDPOINT_URL_DYNAMODB"])
    request = b"GET /moto-api/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        for _ in range(2):
            connection.sendall(request)
            with connection.makefile("rb") as answer:
                assert answer.readline().startswith(b"HTTP/1.1 ")
                headers = {}
                while (line := answer.readline().strip()) != b"":
                    key, _, value = line.partition(b": ")
                    headers[key.lower()] = value
                answer.read(int(headers[b"content-length"]))
