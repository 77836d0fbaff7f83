"""The smallest HTTP server, which answers every request with two bytes: `python -P -m targets.two_bytes_server`.

It prints its port and serves until it is ended. It reads no more of a request than its end, so that a client that is asked for
its highest rate waits for itself.
"""

import contextlib
import select
import socket
import sys
from typing import NoReturn

RESPONSE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
_END = b"\r\n\r\n"
_MOST_BYTES = 65_536


def serve(listener: socket.socket) -> NoReturn:
    """Answer the requests of all connections. A request has no body, and comes in one piece."""
    listener.setblocking(False)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    connections: dict[int, socket.socket] = {}
    while True:
        for number, _ in poll.poll():
            connection = connections.get(number)
            if connection is None:
                with contextlib.suppress(OSError):
                    connection, _ = listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connections[connection.fileno()] = connection
                    poll.register(connection, select.EPOLLIN)
            elif not _answered(connection):
                connections.pop(number).close()


def _answered(connection: socket.socket) -> bool:
    """Answer what a connection has sent; return False at its end."""
    try:
        data = connection.recv(_MOST_BYTES)
        if data:
            connection.sendall(RESPONSE * data.count(_END))
    except OSError:
        return False
    return bool(data)


def main() -> NoReturn:
    """Serve at a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0), backlog=1_024) as listener:
        print(listener.getsockname()[1], flush=True)  # noqa: T201 - for the process that started it
        serve(listener)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
    sys.exit(0)
