"""One request and its response on the wire: connections are used again, no request is sent twice, each fault has its name."""

import socket
import threading
import time

import pytest

from harness.errors import TargetError
from harness.target.client.address import read_address
from harness.target.client.connections import Connections
from harness.target.client.exchange import make_exchange
from harness.target.client.faults import LostError
from harness.target.client.response import KeptResponse, Response
from tests.support.scripted import OK, reset, scripted

REQUEST = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"
BIG = b"HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n" + b"x" * 300_000


class Client:
    def __init__(self, url, **parameters):
        address = read_address(url, parameters)
        self.connections = Connections(address)
        self.exchange = make_exchange(address, self.connections, time.monotonic_ns)

    def ask(self, request=REQUEST, response=None):
        response = response or Response(is_head=False)
        return self.exchange(request, response), response

    def lost(self):
        with pytest.raises(LostError) as caught:
            self.ask()
        return caught.value


@pytest.fixture
def client_of():
    clients = []

    def make(seen, **parameters):
        client = Client(seen.url, **parameters)
        clients.append(client)
        client.connections.begin()
        return client

    yield make
    for client in clients:
        client.connections.close()


def test_one_connection_carries_all_requests_one_after_the_other(client_of):
    with scripted(OK) as seen:
        client = client_of(seen)
        assert [client.ask()[1].status for _ in range(5)] == [200] * 5
        assert (seen.connections, len(seen.requests), client.connections.opened) == (1, 5, 1)


def test_the_first_byte_comes_before_the_end_of_a_slow_body(client_of):
    def answer(sock, _request, _number):
        sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no")
        time.sleep(0.2)
        sock.sendall(b"k")

    with scripted(answer) as seen:
        began_ns = time.monotonic_ns()
        first_ns, response = client_of(seen).ask()
        assert response.is_complete
        assert 0 < first_ns <= time.monotonic_ns() - began_ns - 200_000_000


def test_a_long_body_is_read_to_its_end(client_of):
    with scripted(BIG) as seen:
        response = client_of(seen).ask(response=KeptResponse(is_head=False, keeps_body=True))[1]
        assert len(response.body) == 300_000


def test_a_connection_that_the_server_closed_meanwhile_is_replaced_before_anything_is_sent(client_of):
    with scripted(lambda sock, _request, _number: sock.sendall(OK) or False) as seen:
        client = client_of(seen)
        for _ in range(3):
            client.ask()
            time.sleep(0.05)
        assert (seen.connections, len(seen.requests)) == (3, 3)


def test_a_connection_with_bytes_that_nobody_asked_for_is_not_used_again(client_of):
    with scripted(lambda sock, _request, _number: sock.sendall(OK) or time.sleep(0.05) or sock.sendall(b"HTTP/1.1 408 Late\r\n\r\n")) as seen:  # fmt: skip
        client = client_of(seen)
        client.ask()
        time.sleep(0.2)
        assert client.ask()[1].status == 200
        assert seen.connections == 2


def test_a_request_is_never_sent_twice(client_of):
    """The server reads the second request of a connection and closes without an answer: it may have done the work."""
    with scripted(lambda sock, _request, number: False if number else sock.sendall(OK)) as seen:
        client = client_of(seen)
        client.ask()
        assert (
            client.lost().reason == "the server closed the kept-alive connection while the request was sent"
        )
        assert len(seen.requests) == 2
        assert client.ask()[1].status == 200


@pytest.mark.parametrize(
    ("answer", "said", "has_byte"),
    [
        (lambda *_: False, "the server closed the connection before it answered", False),
        (lambda sock, *_: reset(sock), "the server reset the connection before it answered", False),
        (lambda sock, *_: sock.sendall(OK[:-1]) or False, "the body was cut short: the server closed the connection", True),
        (lambda sock, *_: sock.sendall(b"HTTP/1.1 2") or False, "the head of the response was cut short", True),
        (lambda sock, *_: sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), "the response is not HTTP: Expected HTTP/", True),
    ],
)  # fmt: skip
def test_each_fault_has_its_name(client_of, answer, said, has_byte):
    with scripted(answer) as seen:
        lost = client_of(seen).lost()
        assert lost.reason.startswith(said)
        assert not lost.is_timeout
        assert (lost.first_byte_ns > 0) is has_byte


@pytest.mark.parametrize(
    ("sent", "said"),
    [(b"", "no response within 100ms"), (OK[:-1], "the response was not complete within 100ms")],
)
def test_the_time_limit_is_that_of_the_whole_request(client_of, sent, said):
    def answer(sock, _request, _number):
        for at in range(len(sent)):
            sock.sendall(sent[at : at + 1])
            time.sleep(0.02)
        time.sleep(0.5)
        return False

    with scripted(answer) as seen:
        lost = client_of(seen, timeout="100ms").lost()
        assert (lost.reason, lost.is_timeout) == (said, True)


def test_after_a_slow_response_the_next_has_the_whole_time_limit_again(client_of):
    def answer(sock, _request, _number):
        sock.sendall(OK[:-1])
        time.sleep(0.3)
        sock.sendall(OK[-1:])

    with scripted(answer) as seen:
        client = client_of(seen, timeout="500ms")
        assert [client.ask()[1].status for _ in range(2)] == [200, 200]
        assert seen.connections == 1


def test_a_server_that_has_gone_is_named(client_of):
    with scripted(OK) as seen:
        client = client_of(seen)
        client.connections.close()
    assert client.lost().reason == "connection refused"


def test_a_target_begins_only_where_a_server_is():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TargetError, match=f"no server at http://127.0.0.1:{port}: connection refused"):
        Client(f"http://127.0.0.1:{port}").connections.begin()
    with pytest.raises(TargetError, match=r"no server at http://no-such-host\.invalid: DNS: "):
        Client("http://no-such-host.invalid").connections.begin()


def test_a_server_without_tls_is_named_as_such():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            sock, _ = listener.accept()
            sock.recv(65_536)
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            sock.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(TargetError, match=r"TLS: .*Write http://"):
            Client(f"https://127.0.0.1:{listener.getsockname()[1]}").connections.begin()
        thread.join()


def test_certificates_are_checked_unless_the_user_says_otherwise(certificate, client_of):
    with scripted(OK, certificate.context) as seen:
        seen.scheme = "https"
        with pytest.raises(
            TargetError, match=r"TLS: the certificate was refused: self-signed certificate.*ca=FILE"
        ):
            client_of(seen)
        for setting in ({"ca": str(certificate.file)}, {"insecure": "yes"}):
            client = client_of(seen, **setting)
            assert [client.ask()[1].status for _ in range(3)] == [200] * 3
            assert client.connections.opened == 1


def test_a_tls_connection_that_the_server_closed_meanwhile_is_replaced(certificate, client_of):
    def answer(sock, _request, _number):
        sock.sendall(OK)
        sock.unwrap()
        return False

    with scripted(answer, certificate.context) as seen:
        seen.scheme = "https"
        client = client_of(seen, insecure="yes")
        for _ in range(3):
            client.ask()
            time.sleep(0.05)
        assert seen.connections == 3
