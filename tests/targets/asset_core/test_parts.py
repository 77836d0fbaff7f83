"""Small parts: risk, routing, validation, buffers, encoding, counting."""

import dataclasses
import gzip
import json
import threading

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.asset_core.buffers import BufferPool
from targets.asset_core.counting import Counters
from targets.asset_core.encoding import compress, encode_plainly, etag_of, make_encode
from targets.asset_core.errors import (
    MethodNotAllowedError,
    NotFoundError,
    RequestError,
)
from targets.asset_core.keys import partition_key
from targets.asset_core.model import Asset, Risk
from targets.asset_core.responses import accepts_gzip, matches_etag
from targets.asset_core.risk import risk_score
from targets.asset_core.routing import make_patterns, make_table
from targets.asset_core.switches import BASELINE, OPTIMISED
from targets.asset_core.validation import interpret_name, validate_name


def risk(cvss, exploitability="known_exploited", status="open"):
    return Risk("r", "CVE-1", "t", "high", cvss, exploitability, status, "2025-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("risks", "score"),
    [
        ([], 0.0),
        ([risk(10.0)], 100.0),
        ([risk(5.0)], 50.0),
        ([risk(5.0, "proof_of_concept")], 30.0),
        ([risk(5.0, "none")], 15.0),
        ([risk(5.0), risk(5.0)], 75.0),
        # 1 - (1 - .98) * (1 - .75 * .6) * (1 - .4 * .3) = 1 - .02 * .55 * .88
        ([risk(9.8), risk(7.5, "proof_of_concept"), risk(4.0, "none")], 99.03),
        ([risk(9.8, status="fixed"), risk(9.8, status="accepted")], 0.0),
        ([risk(5.0, "rumoured")], 15.0),
        ([risk(12.0)], 100.0),
    ],
)
def test_the_risk_score_is_what_is_computed_by_hand(risks, score):
    assert risk_score(risks) == score


@given(
    st.text(max_size=12)
    | st.sampled_from(["/assets/", "/assets/x", "/health", "/health/", "/assets//", "/assets/a/b"])
)
def test_table_and_patterns_route_alike(path):
    def outcome(find):
        try:
            return find("GET", path)
        except RequestError as error:
            return type(error), getattr(error, "allowed", None)

    assert outcome(make_table()) == outcome(make_patterns())


@pytest.mark.parametrize("make", [make_table, make_patterns])
def test_routes_give_operation_and_id(make):
    route, value = make()("GET", "/assets/a:b")
    assert (route.operation, value) == ("GET /assets/{id}", "a:b")
    with pytest.raises(NotFoundError):
        make()("GET", "/assets/")
    with pytest.raises(MethodNotAllowedError) as caught:
        make()("PUT", "/assets/a")
    assert caught.value.allowed == ("GET",)


@given(st.text(max_size=140) | st.from_regex(r"[A-Za-z0-9._:-]{1,129}", fullmatch=True))
def test_compiled_and_interpreted_checks_agree(value):
    def outcome(validate):
        try:
            validate("id", value)
        except RequestError as error:
            return error.fields
        return None

    assert outcome(validate_name) == outcome(interpret_name)
    assert (outcome(validate_name) is None) == (
        0 < len(value) <= 128 and all(c.isascii() and (c.isalnum() or c in "._:-") for c in value)
    )


@pytest.mark.parametrize("validate", [validate_name, interpret_name])
def test_names_have_at_most_128_characters(validate):
    validate("id", "a" * 128)
    with pytest.raises(RequestError):
        validate("id", "a" * 129)


def test_a_part_with_the_reserved_character_makes_no_key():
    with pytest.raises(ValueError, match="#"):
        partition_key("a", "b#META")


def test_a_buffer_given_back_is_used_again_and_twice_is_an_error():
    pool = BufferPool()
    buffer = pool.take()
    pool.give(buffer)
    assert pool.take() is buffer
    pool.give(buffer)
    with pytest.raises(ValueError, match="before"):
        pool.give(buffer)
    with pytest.raises(ValueError, match="not lent"):
        pool.give(bytearray(1))


def test_the_buffer_pool_is_bounded_and_lets_large_buffers_go():
    pool = BufferPool(limit=2, largest_kept_bytes=10_000)
    lent = [pool.take() for _ in range(4)]
    lent[0].extend(bytes(10_000))
    for buffer in lent:
        pool.give(buffer)
    assert pool.free == 2


def encoders():
    return [
        make_encode(switches, BufferPool())
        for switches in (OPTIMISED, dataclasses.replace(OPTIMISED, buffer_reuse=False), BASELINE)
    ]


TEXT = st.text(max_size=30)


@given(
    st.builds(Asset, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, st.integers(0, 5), st.tuples(TEXT, TEXT), TEXT, TEXT)
)
def test_every_codec_gives_the_same_bytes(asset):
    bodies = {encode(asset) for encode in encoders()}
    assert len(bodies) == 1
    assert msgspec.json.decode(bodies.pop(), type=Asset) == asset


def test_a_buffer_is_given_back_when_encoding_fails():
    pool = BufferPool()
    with pytest.raises(TypeError):
        make_encode(OPTIMISED, pool)(object())
    assert pool.free == 1


@pytest.mark.parametrize("score", [0.0, 0.1, 33.33, 99.99, 100.0])
def test_scores_are_written_alike_by_every_codec(score):
    assert {encode({"score": score}) for encode in encoders()} == {b'{"score":%s}' % str(score).encode()}


def test_gzip_and_entity_tags_depend_on_the_content_alone():
    body = b"x" * 5_000
    # The time of compression, bytes 4 to 8 of the format, is left out.
    assert compress(body)[4:8] == bytes(4)
    assert gzip.decompress(compress(body)) == body
    assert etag_of(body) == etag_of(bytes(body))
    assert etag_of(body) != etag_of(body + b"y")


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("br, gzip;q=0.1", True),
        ("x-gzip", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("*;q=0", False),
        ("br", False),
        ("", False),
        ("gzip;q=high", False),
        ("gzip;q=0, *", False),
    ],
)
def test_accept_encoding_is_read_as_the_standard_says(header, accepted):
    assert accepts_gzip(header) is accepted


@pytest.mark.parametrize(
    ("header", "found"),
    [('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ('"b"', False), ("", False)],
)
def test_entity_tags_are_compared_weakly(header, found):
    assert matches_etag(header, 'W/"a"') is found


def test_counters_are_exact_under_threads():
    counters = Counters(["a"])

    def count():
        for _ in range(2_000):
            counters.of("a").add("x")
            counters.of("b").add_each(("y", "z"))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counters.totals() == {"a": {"x": 8_000}, "b": {"y": 8_000, "z": 8_000}}


def test_plain_json_is_what_others_read():
    assert json.loads(encode_plainly({"name": 'Zürich "東京"\n'})) == {"name": 'Zürich "東京"\n'}


def test_a_buffer_has_4_kib_from_the_beginning():
    assert len(BufferPool().take()) == 4096
