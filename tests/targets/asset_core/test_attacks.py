"""What attackers send, through the whole handler: refused alike, before any store, with one line of audit each."""

import base64
import dataclasses
import hashlib
import hmac
import json
import logging

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from targets.asset_core.data.generator import SHARED_ID
from targets.asset_core.errors import StoreError
from targets.asset_core.issuing import Issuer
from targets.asset_core.routing import ROUTES
from targets.asset_core.switches import BASELINE, OPTIMISED
from targets.core_events import proxy_event

READ = "GET /assets/{id}"
ASSET = f"/assets/{SHARED_ID}"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def segment(document):
    return encoded(json.dumps(document).encode())


def unsigned(issuer, header, **claims):
    return f"{segment(header)}.{segment(admin(issuer) | claims)}"


def admin(issuer, **changes):
    return issuer.claims("tenant-01", "eve", role="admin", use="id") | changes


def alg_none(issuer):
    return unsigned(issuer, {"alg": "none", "kid": issuer.kid}) + "."


def signed(issuer, header):
    """Return a token whose signature is good, whatever its header says."""
    text = unsigned(issuer, header)
    return f"{text}.{encoded(issuer.key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def alg_none_with_a_good_signature(issuer):
    return signed(issuer, {"alg": "none", "kid": issuer.kid})


def a_good_signature_under_another_name(issuer):
    return signed(issuer, {"alg": "RS512", "kid": issuer.kid})


def hs256_with_the_public_key(issuer):
    pem = issuer.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = unsigned(issuer, {"alg": "HS256", "kid": issuer.kid})
    return f"{text}.{encoded(hmac.new(pem, text.encode(), hashlib.sha256).digest())}"


def another_key(_issuer):
    stranger = Issuer()
    return stranger.sign(admin(stranger))


def a_key_of_its_own_in_the_header(_issuer):
    stranger = Issuer()
    return signed(stranger, {"alg": "RS256", "kid": stranger.kid, "jwk": stranger.jwk()})


def an_unknown_kid(_issuer):
    stranger = Issuer(kid="../../key-1")
    return stranger.sign(admin(stranger))


def a_tampered_payload(issuer):
    head, _, signature = issuer.sign(admin(issuer)).split(".")
    return f"{head}.{segment(admin(issuer, sub='root'))}.{signature}"


def a_tampered_header(issuer):
    _, payload, signature = issuer.sign(admin(issuer)).split(".")
    return f"{segment({'alg': 'RS256', 'kid': issuer.kid})}.{payload}.{signature}"


def a_cut_signature(issuer):
    return issuer.sign(admin(issuer))[:-8]


def expired(issuer):
    return issuer.sign(admin(issuer, exp=1_000_000_000))


def without_an_end(issuer):
    claims = admin(issuer)
    del claims["exp"]
    return issuer.sign(claims)


def not_valid_yet(issuer):
    return issuer.sign(admin(issuer, nbf=9_000_000_000, exp=9_000_000_100))


def another_issuer(issuer):
    return issuer.sign(admin(issuer, iss="https://elsewhere.example"))


def another_audience(issuer):
    return issuer.sign(admin(issuer, aud="other"))


def an_access_token_sold_as_an_id_token(issuer):
    return issuer.sign(issuer.claims("tenant-01", "eve", role="admin", use="access") | {"token_use": "id"})


def an_id_token_sold_as_an_access_token(issuer):
    return issuer.sign(admin(issuer, token_use="access"))


def an_access_token_of_two_tenants(issuer):
    groups = ["admin", "tenant:tenant-01", "tenant:tenant-02"]
    claims = issuer.claims("tenant-01", "eve", role="admin", use="access")
    return issuer.sign(claims | {"cognito:groups": groups})


def a_refresh_token(issuer):
    return issuer.sign(admin(issuer, token_use="refresh"))


def a_tenant_that_is_a_key(issuer):
    return issuer.sign(admin(issuer, **{"custom:tenant": "tenant-01#A#x"}))


def an_endless_token(issuer):
    return issuer.sign(admin(issuer, note="x" * 100_000))


ATTACKS = [
    alg_none, alg_none_with_a_good_signature, a_good_signature_under_another_name, hs256_with_the_public_key, another_key,
    a_key_of_its_own_in_the_header, an_unknown_kid, a_tampered_payload, a_tampered_header, a_cut_signature,
    expired, without_an_end, not_valid_yet, another_issuer, another_audience,
    an_access_token_sold_as_an_id_token, an_id_token_sold_as_an_access_token, an_access_token_of_two_tenants,
    a_refresh_token, a_tenant_that_is_a_key, an_endless_token,
]  # fmt: skip
UNCACHED = dataclasses.replace(OPTIMISED, token_cache=False)


@pytest.fixture
def logged(caplog):
    """All that is logged, as the lines that a handler of logs would write."""
    caplog.set_level(logging.DEBUG)
    caplog.handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))

    def lines(name=""):
        records = [record for record in caplog.records if record.name.startswith(name)]
        return [line for record in records for line in caplog.handler.format(record).splitlines()]

    return lines


@pytest.mark.parametrize("switches", [OPTIMISED, UNCACHED], ids=["cached", "uncached"])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_a_token_that_is_not_good_is_refused_like_no_token_at_all(host, issuer, logged, attack, switches):
    hosted = host(switches=switches)
    token = attack(issuer)
    expected = hosted.core.handler(proxy_event("GET", ASSET, {}))
    for _ in range(2):
        response = hosted.get(ASSET, token=token)
        # Neither body nor headers tell why.
        assert response == expected
    assert (expected["statusCode"], expected["headers"]["WWW-Authenticate"]) == (401, "Bearer")
    audited = [json.loads(line.split(" ", 2)[2]) for line in logged("asset_core.audit")]
    assert [event["outcome"] for event in audited] == ["unauthorised"] * 3
    assert {event["who"] for event in audited} == {"anonymous"}
    assert not any(token[:40] in line or token[-40:] in line for line in logged())
    assert hosted.counted().keys().isdisjoint({"dynamodb.calls", "neo4j.calls", "redis.calls"})
    hosted.core.close()
    outcomes = {(line["operation"], line["outcome"]): line for line in map(json.loads, hosted.lines)}
    assert outcomes[READ, "unauthorised"]["unauthorised"] == 3
    assert hosted.counted()["status.4xx"] == 3


@pytest.mark.parametrize("route", [route for route in ROUTES if route.permission], ids=lambda r: r.operation)
def test_every_operation_refuses_those_without_its_permission_before_it_reads_their_body(host, logged, route):
    hosted = host()
    path = route.path.replace("{id}", "host:x")
    for token, status in (("x.y.z", 401), (hosted.token(role="nobody"), 403)):
        event = proxy_event(route.method, path, {"Authorization": f"Bearer {token}"}, "{")
        assert hosted.core.handler(event)["statusCode"] == status
    audited = [json.loads(line.split(" ", 2)[2]) for line in logged("asset_core.audit")]
    assert [(event["who"], event["outcome"]) for event in audited] == [
        ("anonymous", "unauthorised"),
        ("tenant-01/ada", "forbidden"),
    ]
    assert all(event["what"].startswith(route.operation) for event in audited)


def test_a_token_stays_what_it_was_signed_as_and_a_new_one_without_the_role_is_refused(host, issuer, clock):
    # Roles travel in tokens: one that is revoked ends with the token that carries it, however often it was used.
    hosted = host(clocks=clock.clocks)
    times = {"nbf": clock.now_s - 1, "exp": clock.now_s + 60}
    old, new = (
        issuer.sign(issuer.claims("tenant-01", "ada", role=role, use="id") | times)
        for role in ("admin", "nobody")
    )
    assert hosted.get(ASSET, token=old)["statusCode"] == 200
    assert hosted.get(ASSET, token=new)["statusCode"] == 403
    clock.advance(66)
    assert hosted.get(ASSET, token=old)["statusCode"] == 401


FORGED = 'x\r\nWARNING asset_core.audit {"event":"access"}\u2028\x1b[2J\x00'


@pytest.mark.parametrize("switches", [OPTIMISED, BASELINE], ids=["optimised", "baseline"])
def test_nothing_that_callers_send_makes_a_line_of_log_or_metrics_of_its_own(host, issuer, logged, switches):
    from urllib.parse import quote

    hosted = host(switches=switches)
    nobody = issuer.sign(issuer.claims("tenant-01", FORGED, role="nobody", use="id"))
    for token in (nobody, FORGED, hosted.token()):
        event = proxy_event("GET", "/assets/" + quote(FORGED, safe=""), {"Authorization": f"Bearer {token}"})
        event["requestContext"] = {"identity": {"sourceIp": FORGED}}
        assert hosted.core.handler(event)["statusCode"] in {400, 401, 403}
    for method, path in ((FORGED, "/assets"), ("GET", FORGED), ("POST", f"/jobs/{FORGED}")):
        hosted.core.handler(proxy_event(method, path, {FORGED: FORGED}))
    hosted.core.close()
    assert len(logged()) == len(logged("asset_core.audit")) == 2
    assert all(len(line.splitlines()) == 1 for line in hosted.lines)
    assert all(line.isprintable() for line in [*logged(), *hosted.lines])


@pytest.mark.parametrize("error", [StoreError(FORGED, where="neo4j"), KeyError(FORGED), RuntimeError(FORGED)])
@pytest.mark.parametrize("path", ["/assets/batch-get", "/assets", "/jobs"])
def test_what_a_server_says_of_a_callers_data_is_one_line_of_log(host, logged, error, path):
    hosted = host()

    def failing(*_arguments, **_options):
        raise error from ValueError(FORGED)

    for name in ("get_assets", "get_technology_names"):
        setattr(hosted.stores.assets, name, failing)
    body = {
        "/assets": {"assets": [{"id": "a", "type": "host", "name": FORGED}]},
        "/assets/batch-get": {"ids": ["a"]},
        "/jobs": {"kind": "risk-correlation", "data": {"ids": ["a"]}, "wait": True},
    }[path]
    response = hosted.post(path, body)
    assert "x\\r" not in response["body"]
    # A batch says of each asset that it failed; everything else is an error of the whole.
    assert response["statusCode"] in {200, 500, 503}
    hosted.core.close()
    assert any("asset_core" in line and "\\r\\n" in line for line in logged())
    for line in logged():
        assert line.isprintable()
        assert line.split(" ", 1)[0] in {"WARNING", "ERROR", "DEBUG", "INFO"}
    assert not logged("asset_core.audit")


def test_work_on_another_tenants_assets_finds_nothing_and_changes_nothing(host, scope):
    hosted = host()
    own = next(
        bundle.asset.id
        for bundle in hosted.inventory
        if bundle.asset.tenant == "tenant-02" and bundle.asset.id != SHARED_ID and bundle.risks
    )
    before = hosted.get(f"/assets/{own}", token=hosted.token("tenant-02"))["body"]
    for kind in ("vulnerability-scan", "risk-correlation"):
        body = {"kind": kind, "data": {"ids": [own]}, "wait": True}
        result = json.loads(hosted.post("/jobs", body)["body"])["result"]
        assert result["missing"] == [own]
        assert not result.get("assets")
    answer = json.loads(hosted.post("/assets/batch-get", {"ids": [own]})["body"])
    assert answer["results"][0]["error"]["code"] == "not_found"
    assert hosted.get(f"/assets/{own}")["statusCode"] == 404
    hosted.world.values.clear()
    hosted.resources.cache.forget_all()
    assert hosted.get(f"/assets/{own}", token=hosted.token("tenant-02"))["body"] == before
    assert not hosted.world.exposures
