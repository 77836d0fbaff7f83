"""The form of an entry in Redis: msgpack with a schema number. Any other data is a miss."""

import msgspec

from targets.asset_core.encoding import etag_of
from targets.asset_core.model import SCHEMA


class Record(msgspec.Struct, array_like=True, frozen=True):
    """`body` of None means that the asset does not exist. `fetched_at_s` is wall-clock time."""

    schema: int
    fetched_at_s: float
    body: bytes | None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode
_CHECK_BYTES = 32


def pack(fetched_at_s: float, body: bytes | None) -> bytes:
    """Return the stored form: a digest followed by the record."""
    record = _encode(Record(SCHEMA, fetched_at_s, body))
    return _digest(record) + record


def unpack(data: bytes) -> Record | None:
    """Return the record, or None if the data is damaged, foreign or of another schema."""
    digest, record = data[:_CHECK_BYTES], data[_CHECK_BYTES:]
    if digest != _digest(record):
        return None
    try:
        found = _decode(record)
    except msgspec.MsgspecError:
        return None
    return found if found.schema == SCHEMA else None


def _digest(record: bytes) -> bytes:
    return etag_of(record)[3:-1].encode("ascii")
