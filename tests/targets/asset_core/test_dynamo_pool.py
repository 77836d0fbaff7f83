"""How DynamoDB's connections are kept and retired, on a real HTTP server that keeps them alive (moto does not)."""

import contextlib
import dataclasses
import http.server
import socket
import threading
import time
import types

import pytest

from targets.asset_core.errors import StoreError
from targets.asset_core.profiles import LAMBDA, SERVER
from targets.asset_core.settings import StoreSettings
from targets.asset_core.stores.dynamo import DynamoAssets


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.ports.append(self.client_address[1])
        self.server.inside.append(1)
        self.server.most = max(self.server.most, len(self.server.inside))
        self.server.hold.wait(10)
        self.server.inside.pop()
        self.send_response(200)
        if self.server.cut_short:
            self.server.cut_short -= 1
            self.flush_headers()
            self.close_connection = True
            return
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_arguments):
        """Say nothing."""


@pytest.fixture
def server():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    made.ports, made.inside, made.most, made.hold = [], [], 0, threading.Event()
    made.hold.set()
    made.cut_short = 0
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def connect(server, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    stores = []

    def make(limits=LAMBDA.dynamo, *, pooling=True, port=None, scheme="http"):
        endpoint = f"{scheme}://127.0.0.1:{port or server.server_port}"
        settings = StoreSettings("t", "", "", "", "", 0, dynamo_endpoint=endpoint)
        stores.append(DynamoAssets(settings, limits, pooling=pooling))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@pytest.mark.parametrize(("pooling", "connections"), [(True, 1), (False, 4)])
def test_connections_are_kept_unless_pooling_is_off(connect, server, scope, pooling, connections):
    store = connect(pooling=pooling)
    for _ in range(4):
        store.ping(scope)
    assert len(set(server.ports)) == connections


def test_a_connection_idle_for_too_long_is_not_used_again(connect, server, scope):
    store = connect(dataclasses.replace(LAMBDA.dynamo, idle_s=0.05))
    store.ping(scope)
    store.ping(scope)
    time.sleep(0.1)
    store.ping(scope)
    first, second, third = server.ports
    assert first == second != third


def test_an_answer_whose_headers_are_cut_short_is_not_taken_for_an_empty_one(
    connect, server, scope, monkeypatch
):
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    store, server.cut_short = connect(), 2
    assert store.get_asset("a", "b", scope) is None
    assert len(server.ports) == 3
    server.cut_short = 3
    with pytest.raises(StoreError, match="ConnectionClosed"):
        store.get_asset("a", "b", scope)


def test_a_hard_limit_lets_no_more_calls_through(connect, server, scope):
    store = connect(dataclasses.replace(SERVER.dynamo, hard_limit=2))
    server.hold.clear()
    threads = [threading.Thread(target=store.ping, args=(scope,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    while len(server.inside) < 2 or store.pool().in_use < 2:
        time.sleep(0.001)
    server.hold.set()
    for thread in threads:
        thread.join()
    assert server.most <= 2
    assert len(server.ports) == 5
    assert store.pool().waits == 3


@pytest.fixture
def silent():
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize(("scheme", "waits_for"), [("https", "connect_s"), ("http", "response_s")])
def test_a_silent_server_is_given_up_on_after_the_time_for_tls_or_for_the_response_header(
    connect, silent, scope, scheme, waits_for
):
    limits = dataclasses.replace(SERVER.dynamo, connect_s=31.0, response_s=32.0, attempts=1)
    store = connect(dataclasses.replace(limits, **{waits_for: 0.25}), port=silent, scheme=scheme)
    with pytest.raises(StoreError) as failure:
        store.ping(scope)
    said = []
    cause = failure.value
    while cause is not None:
        said.append(str(cause))
        cause = cause.__cause__ or cause.__context__
    assert any("timeout=0.25" in each for each in said), said


BODY = b'{"Item": {"id": {"S": "a"}}}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: s\r\nContent-Type: application/x-amz-json-1.0\r\n"
    + b"Content-Length: %d\r\nDate: today\r\n\r\n" % len(BODY)
    + BODY
)


@pytest.fixture
def cutting():
    """A server that sends as many bytes of its answer as it is told, and ends the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = types.SimpleNamespace(server_port=listener.getsockname()[1], bytes=len(ANSWER), ended=False)

        def serve():
            while True:
                connection, _ = listener.accept()
                with connection:
                    if made.ended:
                        return
                    connection.recv(65536)
                    connection.sendall(ANSWER[: made.bytes])

        thread = threading.Thread(target=serve)
        thread.start()
        yield made
        made.ended = True
        socket.create_connection(("127.0.0.1", made.server_port)).close()
        thread.join()


def test_no_beginning_of_an_answer_is_taken_for_the_whole(cutting, connect, scope):
    store = connect(dataclasses.replace(LAMBDA.dynamo, attempts=1), port=cutting.server_port)
    taken = {}
    for cutting.bytes in range(len(ANSWER) + 1):
        with contextlib.suppress(StoreError):
            taken[cutting.bytes] = store.call(store.client.get_item, scope, TableName="t", Key=KEY).get(
                "Item"
            )
    assert taken == {len(ANSWER): {"id": {"S": "a"}}}


KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}


def test_another_key_in_the_environment_signs_what_follows(connect, monkeypatch):
    keys = []
    for key in ("test", "another"):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        client = connect().client
        keys.append(client._request_signer._credentials.access_key)
    assert keys == ["test", "another"]
