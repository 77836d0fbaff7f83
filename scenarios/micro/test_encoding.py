"""From objects to JSON and back, entity tags and compression."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from targets.asset_core.buffers import BufferPool
from targets.asset_core.encoding import compress, encode_plainly, etag_of, make_encode
from targets.asset_core.model import FullAsset
from targets.asset_core.switches import parse_switches

CALLS = 10
CODECS = {
    "reused-buffers": "fast_json:on,buffer_reuse:on",
    "msgspec": "fast_json:on,buffer_reuse:off",
    "stdlib": "fast_json:off",
}


@pytest.mark.parametrize("codec", CODECS)
def test_encode(benchmark: Any, asset: FullAsset, codec: str) -> None:
    """One whole asset to JSON, 10 times."""
    encode = make_encode(parse_switches("optimised", CODECS[codec]), BufferPool())
    benchmark.extra_info["per_call"] = CALLS
    assert benchmark(_repeat, encode, asset) == encode_plainly(asset)


def test_decode_typed(benchmark: Any, asset: FullAsset) -> None:
    """One whole asset from JSON, by msgspec into its types, 10 times."""
    benchmark.extra_info["per_call"] = CALLS
    assert benchmark(_repeat, msgspec.json.Decoder(FullAsset).decode, encode_plainly(asset)) == asset


def test_decode_plainly(benchmark: Any, asset: FullAsset) -> None:
    """One whole asset from JSON, by the standard library into dictionaries, 10 times."""
    benchmark.extra_info["per_call"] = CALLS
    assert benchmark(_repeat, json.loads, encode_plainly(asset))["asset"]["id"] == asset.asset.id


def test_tag_and_compress(benchmark: Any, asset: FullAsset) -> None:
    """The entity tag and the gzip form of one body."""
    body = encode_plainly(asset)
    tag, small = benchmark(_tag_and_compress, body)
    assert tag == etag_of(body)
    assert gzip.decompress(small) == body
    assert len(small) < len(body)


def _tag_and_compress(body: bytes) -> tuple[str, bytes]:
    return etag_of(body), compress(body)


def _repeat(function: Callable[[Any], Any], value: Any) -> Any:
    result = None
    for _ in range(CALLS):
        result = function(value)
    return result
