"""Call a server for users on a journey: requests of a file in which lines save values or have pauses.

All users share the connections. The work for the user is inside the call: its cost is in `harness.target.adapters.visitors`.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from harness.model import Outcome
from harness.requests.late import LateRequest
from harness.requests.template import Request, Template
from harness.table.traces import HEADER
from harness.target.adapters.asked import Adapted, Asked
from harness.target.adapters.http import Answer, HttpTarget, Unwanted, bytes_of, lost_answer, with_header
from harness.target.adapters.visitors import Event, Visitor, Visits
from harness.target.adapters.web import with_phrase
from harness.target.client.address import Address
from harness.target.client.faults import LostError
from harness.target.client.response import KeptResponse

_FAILED = int(Outcome.FAILED)


def walk(target: Adapted, asked: Asked) -> None:
    """Let users call the target: `make_user`, `journey` and `call(operation, user)`."""
    assert isinstance(target, HttpTarget)  # noqa: S101 - asked of its own targets alone
    address, requests = target.address, target.served

    def prepare(template: Template, holes: Mapping[str, str], names: Sequence[str]) -> _Prepared:
        return _Prepared(address, template, LateRequest(template, template.filled(holes), names))

    Visits(requests, asked.expected, prepare).attach(target, _caller(target))


class _Prepared:
    """One request, with what of it waits for saved values."""

    __slots__ = ("_address", "_data", "_late", "_template", "is_head")

    def __init__(self, address: Address, template: Template, late: LateRequest) -> None:
        self._address = address
        self._template = template
        self._late = late
        self._data = b"" if late.waits else bytes_of(address, template, late.request)
        self.is_head = late.request.method == "HEAD"

    def fill(self, user: Visitor) -> bytes:
        """Return the request of a user. Raises `ValueError` for a saved value that no header can hold."""
        if self._data and not user.jar.header:
            data = self._data
        else:
            request = self._late.filled(user.saved) if self._late.waits else self._late.request
            data = bytes_of(self._address, self._template, _with_cookies(request, user))
        return with_header(data, HEADER, user.traceparent) if user.traceparent else data


def _with_cookies(request: Request, user: Visitor) -> Request:
    if not user.jar.header:
        return request
    own = next((value for name, value in request.headers if name == "cookie"), "")
    others = tuple(one for one in request.headers if one[0] != "cookie")
    cookie = ("cookie", user.jar.header_after(own))
    return msgspec.structs.replace(request, headers=(*others, cookie))


def _caller(target: HttpTarget) -> Callable[[Event, Visitor], Answer]:
    exchange, tallies = target.exchange, target.tallies

    def call_for(event: Event, user: Visitor) -> Answer:
        step = user.step(event)
        try:
            data = step.prepared.fill(user)
        except ValueError as error:
            return Unwanted(f"not sent: {error}", _FAILED, 0)
        response = KeptResponse(is_head=step.prepared.is_head, keeps_body=step.reads_body)
        try:
            first_byte_ns = exchange(data, response)
        except LostError as lost:
            return lost_answer(lost)
        tallies[step.operation].count(response)
        if response.status not in step.expected:
            return Unwanted(with_phrase(response.status), _FAILED, first_byte_ns)
        why = user.keep(step.saves, response.headers, lambda: _document(response))
        return Unwanted(why, _FAILED, first_byte_ns) if why else first_byte_ns

    return call_for


def _document(response: KeptResponse) -> Any:
    """Return the JSON document of a body. Raises `ValueError` for a body that cannot be unpacked, or is not JSON."""
    body = bytes(response.body)
    packed = next(
        (value.lower() for name, value in response.headers if name.lower() == "content-encoding"), ""
    )
    if packed in {"gzip", "x-gzip", "deflate"}:
        try:
            # 32: the header of gzip and of zlib are both understood.
            body = zlib.decompress(body, 32 + zlib.MAX_WBITS)
        except zlib.error as error:
            raise ValueError("the body cannot be unpacked") from error
    return msgspec.json.decode(body)
