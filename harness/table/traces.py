"""The trace of a call: identifiers that are computed from the call's row, so that no call stores any.

A target that gets the W3C header `traceparent` (https://www.w3.org/TR/trace-context/) writes its own spans into the trace of the call.
The identifiers are a hash of the seed of the run and of the moment at which the target was entered, to the ns of the clock: the row
has that moment, and within one process no two calls share it. Two calls of different workers that enter within the same ns do.
"""

import hashlib
from collections.abc import Callable

HEADER = "traceparent"
_TRACE_DIGITS = 32
_BYTES = 24
"""16 bytes for the trace and 8 for the span, whose probability of being all zero is nil."""


def call_ids(seed: int, entered_ns: int) -> tuple[str, str]:
    """Return the hexadecimal identifiers of a call's trace and of its span of service; `entered_ns` is a moment of the clock."""
    digest = hashlib.blake2b(b"%d" % entered_ns, digest_size=_BYTES, key=_key(seed)).hexdigest()
    return digest[:_TRACE_DIGITS], digest[_TRACE_DIGITS:]


def part_id(span_id: str, part: str) -> str:
    """Return the identifier of another span of the same call."""
    return hashlib.blake2b(f"{span_id}{part}".encode(), digest_size=8).hexdigest()


def traceparent_of(seed: int) -> Callable[[int], str]:
    """Return the function from the moment of entry to the value of the header, for the hot path: 2 µs a call."""
    key, new = _key(seed), hashlib.blake2b

    def traceparent(entered_ns: int) -> str:
        digest = new(b"%d" % entered_ns, digest_size=_BYTES, key=key).hexdigest()
        return f"00-{digest[:_TRACE_DIGITS]}-{digest[_TRACE_DIGITS:]}-01"

    return traceparent


def _key(seed: int) -> bytes:
    return b"harness:%d" % seed
