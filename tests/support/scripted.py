"""An HTTP server in threads of the test's own process, which answers as a script of the test says: for faults on the wire."""

import contextlib
import dataclasses
import socket
import struct
import threading

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
GRACE_S = 20.0


@dataclasses.dataclass
class Seen:
    """The server as a test sees it: its requests as bytes, in their order, and the number of connections."""

    port: int
    requests: list = dataclasses.field(default_factory=list)
    connections: int = 0
    scheme: str = "http"

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"


class _Server:
    def __init__(self, answer, context):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.seen = Seen(self.listener.getsockname()[1])
        self.answer, self.context = answer, context
        self.socks, self.threads = [], []
        self.start(self.accept)

    def start(self, function, *args):
        thread = threading.Thread(target=function, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.seen.connections += 1
                self.socks.append(sock)
                self.start(self.talk, sock)

    def talk(self, sock):
        with contextlib.suppress(OSError):
            sock.settimeout(GRACE_S)
            if self.context is not None:
                sock = self.context.wrap_socket(sock, server_side=True)
                self.socks.append(sock)
            number = 0
            while (request := read_request(sock)) is not None and self.go_on(sock, request, number):
                number += 1
            sock.close()

    def go_on(self, sock, request, number):
        self.seen.requests.append(request)
        if isinstance(self.answer, bytes):
            return sock.sendall(self.answer) is None
        return self.answer(sock, request, number) is not False

    def end(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in self.socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self.threads:
            thread.join(GRACE_S)


@contextlib.contextmanager
def scripted(answer, context=None):
    """Run a server whose every request is answered by `answer(sock, request, number)`; it closes the connection if that is False.

    `number` counts the requests of a connection from 0. The answer may also be bytes, for all requests. With a `context` the
    server speaks TLS.
    """
    server = _Server(answer, context)
    try:
        yield server.seen
    finally:
        server.end()


def read_request(sock):
    """Return the bytes of the next request, or None at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (chunk := sock.recv(65_536)):
            return None
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    lines = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(lines[0].partition(b":")[2]) if lines else 0
    while len(body) < length:
        body += sock.recv(65_536)
    return head + b"\r\n\r\n" + body


def reset(sock):
    """Close a connection by a reset instead of an end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    return False
