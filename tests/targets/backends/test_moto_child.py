"""The embedded DynamoDB answers queries as DynamoDB does, keeps its connections, and serves only who holds its key."""

import contextlib
import http.client
import socket
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from targets.backends import dynamodb

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def environment(empty_servers):
    return empty_servers.environment()


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


@pytest.mark.parametrize(
    "key", [{"AWS_SECRET_ACCESS_KEY": "wrong"}, {"AWS_ACCESS_KEY_ID": "embedded"}], ids=["secret", "key id"]
)
def test_a_request_signed_with_another_key_is_refused(environment, key):
    dynamodb.ask(environment)
    with pytest.raises(ClientError) as refused:
        dynamodb.ask(environment | key)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_another_service_is_refused_with_the_right_key(environment):
    client = boto3.client(
        "sqs",
        endpoint_url=environment["AWS_ENDPOINT_URL_DYNAMODB"],
        region_name="us-east-1",
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    with pytest.raises(ClientError) as refused:
        client.list_queues()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


TARGET = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/moto-api/reset", {}),
        ("GET", "/moto-api/", {}),
        ("GET", "/moto-api/data.json", {}),
        ("GET", "/latest/meta-data/", {}),
        ("GET", "/", {}),
        ("POST", "/", TARGET),
        ("OPTIONS", "/", {"Access-Control-Request-Method": "POST"}),
        ("POST", "/", {**TARGET, "Authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/dynamodb/aws4_request"}),
        ("POST", "/", {**TARGET, "Authorization": "\xff"}),
        ("POST", "/shell/", {}),
    ],
)
def test_who_does_not_sign_gets_nothing_and_no_web_page_may_read_it(environment, method, path, headers):
    address = urlsplit(environment["AWS_ENDPOINT_URL_DYNAMODB"])
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    connection.request(method, path, "{}", {"Origin": "http://a.page", **headers})
    answer = connection.getresponse()
    assert answer.status == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert b"not signed" in answer.read()
    connection.close()
    dynamodb.ask(environment)


def test_no_web_page_may_read_what_is_answered_to_who_signs(environment):
    with contextlib.closing(dynamodb.connect(environment)) as client:
        client.meta.events.register(
            "before-sign", lambda request, **_: request.headers.add_header("Origin", "http://a.page")
        )
        answer = client.list_tables()
    assert not [
        name for name in answer["ResponseMetadata"]["HTTPHeaders"] if name.startswith("access-control")
    ]


def test_a_body_that_is_not_the_signed_one_is_refused(environment):
    def change(request, **_):
        request.body = request.body.replace(b"one", b"two")

    with contextlib.closing(dynamodb.connect(environment)) as client:
        client.meta.events.register("before-send", change)
        with pytest.raises(ClientError, match="not signed"):
            client.describe_table(TableName="one")


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
