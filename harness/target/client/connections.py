"""Keep the connections to one server: each carries one request at a time, and is used again if the server lets it.

The last one used is the first one used again, so that a server closes those that nobody needs. There is no limit of their
number: a request never waits for a connection. Under gevent the sockets are gevent's, because Locust has patched the process.
"""

import _socket
import contextlib
import resource
import socket
import ssl

from harness.errors import TargetError
from harness.target.client.address import Address
from harness.target.client.faults import LostError, no_connection, reason_of

_PEEK = _socket.MSG_PEEK | _socket.MSG_DONTWAIT


class Connection:
    """One open connection. `is_fresh` is True until its first response."""

    __slots__ = ("_peek", "is_fresh", "recv", "send", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.send = sock.sendall
        self.recv = sock.recv
        # The same descriptor without gevent's and TLS's layers: looking must not wait.
        self._peek = _socket.socket(fileno=sock.fileno())
        self.is_fresh = True

    @property
    def is_stale(self) -> bool:
        """Return True if the idle connection has anything to read: its end, or bytes that nobody asked for.

        Before the first response, bytes are no sign: a TLS server sends tickets of its session.
        """
        try:
            there = self._peek.recv(1, _PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return not (self.is_fresh and there)

    def close(self) -> None:
        """Close the connection."""
        if self._peek.fileno() >= 0:
            self._peek.detach()
        with contextlib.suppress(OSError):
            self.sock.close()


class Connections:
    """The connections to a server. `opened` counts those that were made."""

    def __init__(self, address: Address) -> None:
        """Raises `TargetError` for certificates that cannot be read."""
        self._address = address
        self._context = _context(address) if address.is_tls else None
        self._places: list[tuple[int, tuple[object, ...]]] = []
        self._idle: list[Connection] = []
        self.opened = 0

    def begin(self) -> None:
        """Look the server's name up, once for the whole run, and connect. Raises `TargetError` if no server is there."""
        address = self._address
        _raise_limit_of_files()
        try:
            found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            why = reason_of(error) if isinstance(error, OSError) else "DNS: the name is not valid"
            raise TargetError(
                f"There is no server at {address.url}: {why}", remedy="Correct the address"
            ) from error
        self._places = [(family, place) for family, _, _, _, place in found]
        try:
            self._idle.append(self._open())
        except LostError as lost:
            remedy = "Start it, or correct the address"
            if lost.reason.startswith("TLS: the certificate"):
                remedy = "Give ca=FILE with the certificate of its authority, or insecure=yes for a server that you trust"
            elif lost.reason.startswith("TLS:"):
                remedy = "Write http:// for a server without TLS"
            raise TargetError(f"There is no server at {address.url}: {lost.reason}", remedy=remedy) from lost

    def take(self) -> Connection:
        """Return an idle connection that the server has not closed, or a new one. Raises `LostError`."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break  # Another thread took it.
            if not connection.is_stale:
                return connection
            connection.close()
        return self._open()

    def give_back(self, connection: Connection) -> None:
        """Take a connection back after a complete response."""
        connection.is_fresh = False
        self._idle.append(connection)

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _open(self) -> Connection:
        address = self._address
        self.opened += 1
        error: OSError = ConnectionRefusedError()
        places = self._places
        for number, (family, place) in enumerate(places):
            sock = None
            try:
                sock = socket.socket(family, socket.SOCK_STREAM)
                sock.settimeout(address.timeout_s)
                sock.connect(place)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._context is not None:
                    sock = self._context.wrap_socket(sock, server_hostname=address.host)
                if number:
                    # A name may have several addresses, such as ::1 and 127.0.0.1: the others are not tried again.
                    self._places = [places[number], *places[:number], *places[number + 1 :]]
                return Connection(sock)
            except OSError as failed:
                error = failed
                if sock is not None:
                    sock.close()
            except BaseException:
                if sock is not None:
                    sock.close()
                raise
        raise no_connection(error, address.timeout_s) from error


def _context(address: Address) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context()
        if address.ca:
            context.load_verify_locations(address.ca)
    except (OSError, ssl.SSLError) as error:
        raise TargetError(
            f"The certificates in '{address.ca}' cannot be read: {error.strerror or error}",
            remedy="Give a file of certificates in PEM form",
        ) from error
    if address.is_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def _raise_limit_of_files() -> None:
    """Let the process have as many connections as the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
