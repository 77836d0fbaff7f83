"""Encode objects as JSON bytes. Every codec gives the same bytes for the same object."""

import gzip
import hashlib
import json
from collections.abc import Callable
from typing import Any

import msgspec

from targets.asset_core.buffers import BufferPool
from targets.asset_core.switches import Switches

Encode = Callable[[Any], bytes]

GZIP_OVER_BYTES = 1024
GZIP_LEVEL = 6


def make_encode(switches: Switches, buffers: BufferPool) -> Encode:
    """Return the JSON encoder that the switches select."""
    if not switches.fast_json:
        return encode_plainly
    encoder = msgspec.json.Encoder()
    if not switches.buffer_reuse:
        return encoder.encode

    def encode(document: Any) -> bytes:
        buffer = buffers.take()
        try:
            encoder.encode_into(document, buffer)
            return bytes(buffer)
        finally:
            buffers.give(buffer)

    return encode


def encode_plainly(document: Any) -> bytes:
    """Encode with the stdlib, through plain dictionaries and lists."""
    plain = msgspec.to_builtins(document)
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()


def compress(body: bytes) -> bytes:
    """Return the gzip form; the same body gives the same bytes."""
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


def etag_of(body: bytes) -> str:
    """Return a weak entity tag of the content: weak, because the plain and the gzip form share it."""
    return f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
