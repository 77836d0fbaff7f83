"""Small parts: switches, settings, risk, routing, validation, buffers, encoding, gate, scope, counting."""

import dataclasses
import gzip
import json
import threading
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.asset_core.buffers import BufferPool
from targets.asset_core.counting import Counters, Tally
from targets.asset_core.encoding import compress, encode_plainly, etag_of, make_encode
from targets.asset_core.errors import (
    DeadlineError,
    MethodNotAllowedError,
    NotFoundError,
    PoolTimeoutError,
    RequestError,
    SettingsError,
    SwitchError,
)
from targets.asset_core.gate import Gate
from targets.asset_core.keys import partition_key
from targets.asset_core.model import Asset, Risk
from targets.asset_core.profiles import LAMBDA, SERVER
from targets.asset_core.responses import accepts_gzip, matches_etag
from targets.asset_core.risk import risk_score
from targets.asset_core.routing import make_patterns, make_table
from targets.asset_core.scope import Scope, request_limit_s
from targets.asset_core.settings import find_profile, read_profile, read_stores, read_tokens
from targets.asset_core.switches import BASELINE, OPTIMISED, Switches, parse_switches
from targets.asset_core.validation import interpret_name, validate_name

ENVIRON = {
    "DYNAMO_TABLE_NAME": "assets",
    "NEO4J_URI": "bolt://127.0.0.1:7687",
    "NEO4J_USER": "neo4j",
    "NEO4J_PASSWORD": "secret-1",
    "REDIS_ENDPOINT": "127.0.0.1:6379",
    "REDIS_PASSWORD": "secret-2",
    "JWT_ISSUER": "https://issuer.example",
    "JWT_AUDIENCE": "core",
    "JWKS": "{}",
}


def test_variants_are_all_on_and_all_off():
    assert all(dataclasses.asdict(OPTIMISED).values())
    assert not any(dataclasses.asdict(BASELINE).values())


def test_single_switches_are_changed_in_order():
    assert parse_switches("optimised", "l1:off, l2:off,l1:on") == dataclasses.replace(OPTIMISED, l2=False)
    assert parse_switches("baseline", "l1:on") == dataclasses.replace(BASELINE, l1=True)
    assert parse_switches("optimised") == Switches()


@pytest.mark.parametrize(
    ("variant", "changes", "says"),
    [("fast", "", "optimised"), ("baseline", "l3:on", "parallel_fetch"), ("baseline", "l1:yes", "name:on")],
)
def test_unknown_switches_and_states_are_refused_with_what_is_known(variant, changes, says):
    with pytest.raises(SwitchError, match=says):
        parse_switches(variant, changes)


def test_settings_come_from_the_environment_with_defaults():
    stores, tokens = read_stores(ENVIRON), read_tokens(ENVIRON)
    assert (stores.redis_host, stores.redis_port) == ("127.0.0.1", 6379)
    assert (stores.region, stores.dynamo_endpoint) == ("us-east-1", None)
    assert (tokens.issuer, tokens.read_jwks()) == ("https://issuer.example", "{}")
    assert read_profile({}) is LAMBDA
    assert find_profile("server") is SERVER


def test_secrets_are_not_shown():
    assert "secret" not in repr(read_stores(ENVIRON))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DYNAMO_TABLE_NAME", ""),
        ("NEO4J_URI", "http://127.0.0.1"),
        ("NEO4J_URI", ""),
        ("NEO4J_USER", " "),
        ("NEO4J_PASSWORD", ""),
        ("REDIS_ENDPOINT", "127.0.0.1"),
        ("REDIS_ENDPOINT", "127.0.0.1:99999"),
        ("REDIS_ENDPOINT", ":6379"),
        ("REDIS_ENDPOINT", "host:\u0661"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "127.0.0.1:8000"),
    ],
)
def test_an_error_names_the_variable(variable, value):
    with pytest.raises(SettingsError, match=variable):
        read_stores(ENVIRON | {variable: value})


@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        ({"JWT_ISSUER": ""}, "JWT_ISSUER"),
        ({"JWT_AUDIENCE": ""}, "JWT_AUDIENCE"),
        ({"JWKS": ""}, "JWKS"),
        ({"JWKS_FILE": "both"}, "JWKS"),
    ],
)
def test_an_error_in_the_token_settings_names_the_variable(changes, variable):
    with pytest.raises(SettingsError, match=variable):
        read_tokens(ENVIRON | changes)


def test_a_key_set_file_that_cannot_be_read_is_named(tmp_path):
    tokens = read_tokens(ENVIRON | {"JWKS": "", "JWKS_FILE": str(tmp_path / "none.json")})
    with pytest.raises(SettingsError, match="JWKS_FILE"):
        tokens.read_jwks()
    (tmp_path / "none.json").write_text("keys")
    assert tokens.read_jwks() == "keys"


def test_an_unknown_profile_is_refused():
    with pytest.raises(SettingsError, match="CORE_PROFILE"):
        read_profile({"CORE_PROFILE": "laptop"})


def test_profiles_hold_the_documented_figures():
    assert dataclasses.astuple(LAMBDA.dynamo)[:3] == (25, None, 90.0)
    assert (LAMBDA.dynamo.call_s, LAMBDA.dynamo.attempts) == (30.0, 3)
    assert dataclasses.astuple(LAMBDA.graph)[:4] == (5, 10.0, 5.0, 5.0)
    assert (LAMBDA.redis.pool_size, LAMBDA.redis.wait_s, LAMBDA.redis.io_s, LAMBDA.redis.idle_s) == (
        5,
        10.0,
        3.0,
        300.0,
    )
    assert (LAMBDA.redis.min_idle, LAMBDA.redis.lifetime_s, LAMBDA.redis.database) == (0, None, 0)
    assert dataclasses.astuple(SERVER.dynamo) == (50, 50, 90.0, 10.0, 10.0, 30.0, 3)
    assert dataclasses.astuple(SERVER.graph)[:4] == (20, 15.0, 10.0, 5.0)
    assert dataclasses.astuple(SERVER.redis) == (20, 30.0, 5, 3.0, 300.0, 1800.0, 0)


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


def test_a_gate_lets_no_more_through_than_it_has_places():
    gate, inside, most, lock = Gate("neo4j", 2, 10.0), [0], [0], threading.Lock()

    def use():
        with gate.passing(Scope(float("inf"), Tally())):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.01)
            with lock:
                inside[0] -= 1

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    view = gate.view()
    assert most[0] <= 2
    assert view.waits >= 1
    assert view.wait_ns > 0
    assert (view.in_use, view.idle, view.timeouts, view.errors) == (0, 2, 0, 0)


def test_waiting_too_long_at_a_gate_is_a_time_out_of_the_pool_with_its_name(scope):
    gate = Gate("neo4j", 1, 0.01)
    with gate.passing(scope), pytest.raises(PoolTimeoutError, match="neo4j"):
        gate.enter(scope)
    assert gate.view().timeouts == 1
    assert scope.tally.totals()["neo4j.pool_waits"] == 1


def test_waiting_at_a_gate_ends_with_the_request():
    gate, scope = Gate("neo4j", 1, 10.0), Scope(time.monotonic() + 0.01, Tally())
    with gate.passing(scope), pytest.raises(DeadlineError):
        gate.enter(scope)


def test_an_error_inside_a_gate_is_counted_and_gives_the_place_back(scope):
    gate = Gate("redis", 1, 1.0)
    with pytest.raises(KeyError), gate.passing(scope):
        raise KeyError
    assert (gate.view().errors, gate.view().in_use, gate.view().idle) == (1, 0, 1)


def test_a_scope_cuts_limits_to_the_time_left(clock):
    scope = Scope(clock.now_s + 2, Tally(), clock.read)
    assert (scope.allow(1.0), scope.allow(5.0), scope.allow()) == (1.0, 2.0, 2.0)
    clock.advance(2)
    with pytest.raises(DeadlineError):
        scope.check()
    with pytest.raises(DeadlineError):
        scope.allow(1.0)


@pytest.mark.parametrize(("left_ms", "limit_s"), [(60_000, 25.0), (25_500, 25.0), (10_000, 9.5), (400, -0.1)])
def test_a_request_may_take_25_seconds_or_what_the_context_has_left_less_a_reserve(left_ms, limit_s):
    class Context:
        def get_remaining_time_in_millis(self):
            return left_ms

    assert request_limit_s(Context()) == pytest.approx(limit_s)
    assert request_limit_s(object()) == 25.0


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


def test_a_place_at_a_gate_can_be_taken_again_after_an_error_inside():
    gate, scope = Gate("redis", 1, 0.01), Scope(float("inf"), Tally())
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), gate.passing(scope):
            raise ZeroDivisionError
    assert gate.view().timeouts == 0


def test_a_buffer_has_4_kib_from_the_beginning():
    assert len(BufferPool().take()) == 4096
