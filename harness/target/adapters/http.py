"""Call a server by its URL: each event is a request, prepared as the bytes that go to the socket.

A call returns the ns from its start to the first byte of an expected response, or `Unwanted`. Redirects are not followed, and
bodies are read to their end but not unpacked.
"""

from collections.abc import Callable, Mapping

from harness.clock import SystemClock
from harness.errors import TargetError
from harness.model import Outcome
from harness.requests.reading import Requests
from harness.requests.template import Draft, Pairs, Request, Template, operation_of
from harness.table.traces import HEADER
from harness.target.adapters.asked import Adapted, Asked, Events
from harness.target.adapters.web import response_rule, with_phrase
from harness.target.answers import Judge
from harness.target.client.address import Address, read_address
from harness.target.client.connections import Connections
from harness.target.client.exchange import Exchange, make_exchange
from harness.target.client.faults import LostError
from harness.target.client.response import Response

Event = tuple[bytes, frozenset[int], bool, Callable[[Response], None]]
"""The bytes of a request, the expected statuses, True for a HEAD request, whose response has no body, and what counts a response.

All of it is immutable data to the pool of events, which copies nothing between calls.
"""
_COMPLETED, _FAILED, _TIMED_OUT = (int(one) for one in (Outcome.COMPLETED, Outcome.FAILED, Outcome.TIMED_OUT))
_USUAL = (("accept", "*/*"), ("accept-encoding", "gzip"), ("user-agent", "asset-harness"))
"""Headers of a request that has none of its own by these names."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})


class Tally:
    """Counts of one operation that its times do not show: connections that its calls opened, and redirects that it got."""

    __slots__ = ("connections", "redirects")

    def __init__(self) -> None:
        self.connections = self.redirects = 0

    def count(self, response: Response) -> None:
        """Count a response."""
        if response.is_first:
            self.connections += 1
        if response.status in _REDIRECTS:
            self.redirects += 1


class Unwanted:
    """An answer that is a failure: why, and the ns to its first byte, 0 if there was none."""

    __slots__ = ("first_byte_ns", "outcome", "reason")

    def __init__(self, reason: str, outcome: int, first_byte_ns: int) -> None:
        self.reason = reason
        self.outcome = outcome
        self.first_byte_ns = first_byte_ns


Answer = int | Unwanted


class HttpTarget(Adapted):
    """A target that calls one server; its events are requests."""

    is_remote = True

    def __init__(self, asked: Asked, address: Address, requests: Requests) -> None:
        self.address = address
        self.tallies = {name: Tally() for name in requests.operations}

        def event(template: Template, holes: Mapping[str, str]) -> Event:
            return _event(address, template, holes, asked.expected, self.tallies[template.operation])

        events = Events(requests, event, shared=True)
        self.operations = events.operations
        self.make_event = events.make
        self.judge = judge_answers(asked.expected, requests)
        self.remarks = requests.notes
        self.requests = self.served = requests
        self._connections = Connections(address)
        self.exchange = make_exchange(address, self._connections, SystemClock.now_ns)
        self.call = _caller(self.exchange)
        self.with_traceparent = _with_traceparent
        self.open = self._connections.begin
        self.close = self._connections.close

    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """Return the counts so far, by operation."""
        return {
            name: {"connections": tally.connections, "redirects": tally.redirects}
            for name, tally in self.tallies.items()
        }


def adapt(asked: Asked) -> HttpTarget:
    """Return the target. Raises `TargetError` for what is no URL of a server, and `UsageError` for unusable requests."""
    address = read_address(asked.text, asked.parameters)
    if not asked.requests:
        asked.read_requests()
        return HttpTarget(asked, address, _only_request(address))
    if address.query:
        raise TargetError(
            f"'{asked.text}' takes no parameter '{address.query.partition('=')[0]}' beside requests",
            remedy="Write queries into the file of requests",
        )
    return HttpTarget(asked, address, asked.read_requests())


def _only_request(address: Address) -> Requests:
    """Return the request of a URL that was given no others: a GET of the URL itself."""
    draft = Draft(path=address.path, query=address.query)
    return Requests(
        (Template(where="", operation=operation_of("GET", address.path), draft=draft, literal=True),)
    )


def judge_answers(expected: frozenset[int], requests: Requests) -> Judge:
    """Return the judge of `Answer`s; `expected` is for requests that expect nothing themselves."""
    rule = response_rule(expected, requests)
    judge = Judge(
        lambda answer: _COMPLETED if type(answer) is int else int(answer.outcome),
        lambda answer: str(answer.reason),
        rule=lambda: rule,
    )
    judge.first_byte_ns = lambda answer: answer if type(answer) is int else int(answer.first_byte_ns)
    return judge


def _event(
    address: Address, template: Template, holes: Mapping[str, str], expected: frozenset[int], tally: Tally
) -> Event:
    request = template.filled(holes)
    try:
        data = bytes_of(address, template, request)
    except ValueError as error:
        raise TargetError(f"The request cannot be sent: {error}", where=template.where) from error
    return (
        data,
        expected if template.expect is None else template.expect,
        request.method == "HEAD",
        tally.count,
    )


def bytes_of(address: Address, template: Template, request: Request) -> bytes:
    """Return a request as it is sent. Raises `ValueError` for a header with a line break."""
    own = headers_of(address, template, request)
    # A URL that was given no requests is asked for as it is; else its path stands before the others.
    path = f"{address.base}{request.path}" if template.where else request.path
    target = f"{path}?{request.query}" if request.query else path
    lines = [f"{request.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in own), "", ""]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header has a line break")
    return "\r\n".join(lines).encode("latin-1", "replace") + request.body


def with_header(data: bytes, name: str, value: str) -> bytes:
    """Return a request with a header, in place of one of this name; names are in small letters."""
    head, end, body = data.partition(b"\r\n\r\n")
    own = name.encode("latin-1") + b":"
    line, *headers = head.split(b"\r\n")
    others = [header for header in headers if not header.startswith(own)]
    return b"".join((b"\r\n".join((line, *others, own + b" " + value.encode("latin-1"))), end, body))


def _with_traceparent(event: Event, value: str) -> Event:
    data, expected, is_head, count = event
    return with_header(data, HEADER, value), expected, is_head, count


def headers_of(address: Address, template: Template, request: Request) -> Pairs:
    """Return the headers of a request as they are sent, the host first.

    A host that the file gives is kept, except that of a recording: the recorded server is another one.
    """
    given = {name.lower() for name, _ in template.draft.headers} if template.draft else set()
    keeps_host = "host" in given and not template.literal
    names = {name for name, _ in request.headers}
    headers = [one for one in request.headers if one[0] != "host" or keeps_host]
    headers += [one for one in _USUAL if one[0] not in names]
    if not keeps_host:
        headers.insert(0, ("host", address.netloc))
    if address.authorization and "authorization" not in names:
        headers.append(("authorization", address.authorization))
    if request.method in _WITH_LENGTH and not {"content-length", "transfer-encoding"} & names:
        headers.append(("content-length", "0"))
    return tuple(headers)


def _caller(exchange: Exchange) -> Callable[[Event], Answer]:
    def call(event: Event) -> Answer:
        data, expected, is_head, count = event
        response = Response(is_head=is_head)
        try:
            first_byte_ns = exchange(data, response)
        except LostError as lost:
            return lost_answer(lost)
        if response.is_first or response.status in _REDIRECTS:
            count(response)
        if response.status in expected:
            return first_byte_ns
        return Unwanted(with_phrase(response.status), _FAILED, first_byte_ns)

    return call


def lost_answer(lost: LostError) -> Unwanted:
    """Return the answer of a call without a complete response."""
    return Unwanted(lost.reason, _TIMED_OUT if lost.is_timeout else _FAILED, lost.first_byte_ns)
