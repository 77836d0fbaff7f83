"""Switches, settings and profiles: what the environment says, and how what is wrong in it is named."""

import dataclasses

import pytest

from targets.asset_core.errors import (
    SettingsError,
    SwitchError,
)
from targets.asset_core.profiles import LAMBDA, SERVER
from targets.asset_core.settings import find_profile, read_profile, read_stores, read_tokens
from targets.asset_core.switches import BASELINE, OPTIMISED, Switches, parse_switches

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
