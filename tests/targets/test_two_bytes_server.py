"""The smallest server answers each request, on kept connections, and ends with its supervisor."""

import socket
import urllib.parse

from harness.supervise import Supervisor
from harness.work.client_ceiling import two_bytes_server
from targets.two_bytes_server import RESPONSE

REQUEST = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"


def test_it_answers_every_request_of_every_connection():
    with Supervisor() as supervisor, two_bytes_server(supervisor) as url:
        address = ("127.0.0.1", urllib.parse.urlsplit(url).port)
        with socket.create_connection(address) as one, socket.create_connection(address) as other:
            for sock, requests in ((one, 1), (other, 1), (one, 3)):
                sock.sendall(REQUEST * requests)
                answer = b""
                while len(answer) < len(RESPONSE) * requests:
                    answer += sock.recv(65_536)
                assert answer == RESPONSE * requests
    with socket.socket() as gone:
        assert gone.connect_ex(address) != 0
