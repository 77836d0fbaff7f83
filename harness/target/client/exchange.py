"""Send one request and read its response: the hot path of a target with a URL.

No request is ever sent a second time. An idle connection that the server has closed is found before a request is sent on it,
and replaced. If the server closes it in the moment of sending, nobody knows whether it has seen the request: the call has
failed, by name.
"""

from collections.abc import Callable
from http.client import HTTPException

from harness.clock import NS_PER_S
from harness.target.client.address import Address
from harness.target.client.connections import Connection, Connections
from harness.target.client.faults import LostError, reason_of
from harness.target.client.response import Response
from harness.units import format_duration

_CHUNK_BYTES = 65_536
Exchange = Callable[[bytes, Response], int]
"""Function from the bytes of a request and its empty response to the ns from its own start to the first byte of the response.

It raises `LostError` for a request without a complete response.
"""


def make_exchange(address: Address, connections: Connections, now_ns: Callable[[], int]) -> Exchange:
    """Return the function that carries out one request."""
    take, give_back = connections.take, connections.give_back
    limit_ns = round(address.timeout_s * NS_PER_S)

    def exchange(request: bytes, response: Response) -> int:
        began_ns = now_ns()
        connection = take()
        response.is_first = connection.is_fresh
        first_ns = 0
        try:
            connection.send(request)
            chunk = connection.recv(_CHUNK_BYTES)
            if chunk:
                first_ns = now_ns() - began_ns
            response.take(chunk)
            if not response.is_complete:
                _read_on(connection, response, began_ns + limit_ns, now_ns)
        except BaseException as error:
            connection.close()
            reason = _reason(error, connection, response, first_ns, address.timeout_s)
            if reason is None:
                raise
            raise LostError(
                reason, is_timeout=isinstance(error, TimeoutError), first_byte_ns=first_ns
            ) from error
        if response.keeps_connection:
            give_back(connection)
        else:
            connection.close()
        return first_ns

    return exchange


def _read_on(connection: Connection, response: Response, until_ns: int, now_ns: Callable[[], int]) -> None:
    """Read the rest of a response. The time limit is that of the whole request, however slowly its bytes come."""
    sock = connection.sock
    usual_s = sock.gettimeout()
    while not response.is_complete:
        left_ns = until_ns - now_ns()
        if left_ns <= 0:
            raise TimeoutError
        sock.settimeout(left_ns / NS_PER_S)
        response.take(connection.recv(_CHUNK_BYTES))
    sock.settimeout(usual_s)


def _reason(
    error: BaseException, connection: Connection, response: Response, first_byte_ns: int, timeout_s: float
) -> str | None:
    """Return why a call that raised `error` got no response; None for an error that is none of the server's."""
    if isinstance(error, TimeoutError):
        what = "the response was not complete" if first_byte_ns else "no response"
        return f"{what} within {format_duration(timeout_s)}"
    if isinstance(error, HTTPException):
        return f"the response is not HTTP: {error.args[0] if error.args else type(error).__name__}"
    if not isinstance(error, EOFError | OSError):
        return None
    if first_byte_ns:
        part = "body" if response.has_headers else "head of the response"
        return f"the {part} was cut short: the server closed the connection"
    if not connection.is_fresh:
        return "the server closed the kept-alive connection while the request was sent"
    how = reason_of(error) if isinstance(error, OSError) else "the server closed the connection"
    return f"{how} before it answered"
