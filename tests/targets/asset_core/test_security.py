import base64
import hashlib
import hmac
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from targets.asset_core.errors import SettingsError, UnauthorisedError
from targets.asset_core.issuing import AUDIENCE, ISSUER, Issuer
from targets.asset_core.security.base64url import decode_segment
from targets.asset_core.security.bearer import TokenCache, bearer_token
from targets.asset_core.security.jwks import KeyRing, parse_jwks
from targets.asset_core.security.permissions import permissions_of
from targets.asset_core.security.tokens import Verifier


@pytest.fixture
def keys(issuer, clock):
    return KeyRing(issuer.settings.read_jwks, clock.read)


@pytest.fixture
def verifier(keys, clock):
    return Verifier(keys, ISSUER, AUDIENCE, clock.read)


@pytest.fixture
def sign(issuer, clock):
    def made(use="id", **changes):
        claims = issuer.claims("acme", "ada", role="analyst", use=use)
        claims |= {"nbf": clock.now_s - 60, "exp": clock.now_s + 600} | changes
        return issuer.sign({name: value for name, value in claims.items() if value is not None})

    return made


def segment(document):
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("use", ["id", "access"])
def test_id_and_access_tokens_give_tenant_subject_and_permissions(verifier, sign, use):
    principal = verifier.verify(sign(use))
    assert (principal.tenant, principal.subject) == ("acme", "ada")
    assert principal.permissions == {"asset:read", "job:submit"}


def test_tokens_of_another_library_are_accepted(verifier, issuer, clock):
    claims = issuer.claims("acme", "ada", role="viewer", use="id") | {
        "nbf": clock.now_s,
        "exp": clock.now_s + 9,
    }
    assert verifier.verify(jwt.encode(claims, issuer.key, "RS256", {"kid": issuer.kid})).tenant == "acme"


def test_our_tokens_are_accepted_by_another_library(issuer):
    token = issuer.token("acme", "ada", role="viewer", use="id")
    assert jwt.decode(token, issuer.key.public_key(), ["RS256"], audience=AUDIENCE)["custom:tenant"] == "acme"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": 1_749_999_994}, "expired"),
        ({"exp": None}, "malformed"),
        ({"exp": "soon"}, "malformed"),
        ({"nbf": 1_750_000_006}, "not valid yet"),
        ({"iss": "https://elsewhere.example"}, "issuer"),
        ({"aud": "other"}, "audience"),
        ({"aud": [AUDIENCE, "other"]}, "audience"),
        ({"aud": None}, "audience"),
        ({"token_use": "refresh"}, "use"),
        ({"token_use": "access"}, "tenant|audience"),
        ({"custom:tenant": None}, "tenant"),
        ({"custom:tenant": "a#b"}, "tenant"),
        ({"custom:tenant": "a\n"}, "tenant"),
        ({"custom:tenant": ["acme"]}, "malformed"),
    ],
)
def test_wrong_claims_are_refused(verifier, sign, changes, reason):
    with pytest.raises(UnauthorisedError, match=reason):
        verifier.verify(sign(**changes))


@pytest.mark.parametrize("changes", [{"exp": 1_749_999_996}, {"nbf": 1_750_000_004}])
def test_five_seconds_of_leeway_are_granted(verifier, sign, changes):
    assert verifier.verify(sign(**changes)).tenant == "acme"


@pytest.mark.parametrize("client_id", ["other", None, "", [AUDIENCE]])
def test_an_access_token_for_another_client_is_refused(verifier, sign, client_id):
    assert verifier.verify(sign("access")).tenant == "acme"
    # Whoever it says that it is for: of an access token that is the client alone.
    with pytest.raises(UnauthorisedError, match=r"audience|malformed"):
        verifier.verify(sign("access", client_id=client_id, aud=AUDIENCE))


def test_leeway_ends_with_its_fifth_second(verifier, sign, clock):
    token = sign(exp=clock.now_s, nbf=clock.now_s + 5)
    assert verifier.verify(token).tenant == "acme"
    clock.advance(5)
    with pytest.raises(UnauthorisedError, match="expired"):
        verifier.verify(token)


@pytest.mark.parametrize("groups", [["viewer"], ["tenant:a", "tenant:b"], ["tenant:"], []])
def test_an_access_token_must_name_exactly_one_tenant(verifier, sign, groups):
    with pytest.raises(UnauthorisedError, match="tenant"):
        verifier.verify(sign("access", **{"cognito:groups": groups}))


def test_the_algorithm_none_is_refused(verifier, sign):
    payload = sign().split(".")[1]
    for alg in ("none", "None", "NONE", ""):
        with pytest.raises(UnauthorisedError):
            verifier.verify(f"{segment({'alg': alg, 'kid': 'key-1'})}.{payload}.")


def test_hs256_with_the_public_key_as_secret_is_refused(verifier, issuer, sign):
    pem = issuer.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = f"{segment({'alg': 'HS256', 'kid': 'key-1'})}.{sign().split('.')[1]}"
    mac = (
        base64.urlsafe_b64encode(hmac.new(pem, signed.encode(), hashlib.sha256).digest())
        .rstrip(b"=")
        .decode()
    )
    with pytest.raises(UnauthorisedError, match="algorithm"):
        verifier.verify(f"{signed}.{mac}")


def test_a_token_signed_by_another_key_is_refused(verifier, clock):
    stranger = Issuer()
    claims = stranger.claims("acme", "eve", role="admin", use="id") | {
        "exp": clock.now_s + 60,
        "nbf": clock.now_s,
    }
    with pytest.raises(UnauthorisedError, match="signature"):
        verifier.verify(stranger.sign(claims))


def test_an_unknown_key_is_refused(verifier, clock):
    stranger = Issuer(kid="key-9")
    with pytest.raises(UnauthorisedError, match="unknown"):
        verifier.verify(stranger.sign(stranger.claims("acme", "eve", role="admin", use="id")))


def test_critical_extensions_are_refused(verifier, sign):
    payload, signature = sign().split(".")[1:]
    with pytest.raises(UnauthorisedError, match="critical"):
        verifier.verify(f"{segment({'alg': 'RS256', 'kid': 'key-1', 'crit': ['exp']})}.{payload}.{signature}")


def test_a_tampered_payload_is_refused(verifier, sign):
    head, payload, signature = sign().split(".")
    claims = json.loads(decode_segment(payload.encode())) | {"custom:tenant": "victim"}
    with pytest.raises(UnauthorisedError, match="signature"):
        verifier.verify(f"{head}.{segment(claims)}.{signature}")


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b", "a.b.c.d", "ä.b.c", "e30.e30.e30", "x" * 9_000, "a b.c.d"]
)
def test_malformed_tokens_are_refused(verifier, token):
    with pytest.raises(UnauthorisedError):
        verifier.verify(token)


def test_a_token_that_is_too_long_is_refused_however_well_signed(verifier, sign):
    with pytest.raises(UnauthorisedError, match="too long"):
        verifier.verify(sign(note="x" * 8_000))


@pytest.mark.parametrize("segment_", [b"YQ==", b"YQ\n", b"Y*", b"Y Q", b"+/8", b"Y", b"YWJj****"])
def test_base64url_is_decoded_strictly(segment_):
    with pytest.raises(ValueError):
        decode_segment(segment_)


def test_a_verified_token_is_not_verified_again_until_it_expires(verifier, keys, clock, sign):
    cache = TokenCache(verifier, keys, clock.read)
    token = sign(exp=clock.now_s + 100)
    principal = cache.authenticate(token)
    assert cache.authenticate(token) is principal
    clock.advance(101)
    # Within the leeway it is still good, but no longer out of the cache.
    assert cache.authenticate(token) is not principal
    assert len(cache) == 0
    clock.advance(5)
    with pytest.raises(UnauthorisedError, match="expired"):
        cache.authenticate(token)


def test_the_token_cache_is_bounded_and_holds_no_token(verifier, keys, clock, sign):
    cache = TokenCache(verifier, keys, clock.read, limit=3)
    tokens = [sign(sub=f"user-{number}") for number in range(5)]
    for token in tokens:
        cache.authenticate(token)
    assert len(cache) == 3
    assert all(len(digest) == 32 for digest in cache._verified)


def test_an_unknown_kid_reads_the_key_set_again_at_most_once_a_minute(issuer, clock):
    second, reads, offered = Issuer(kid="key-2"), [], [issuer.jwk()]

    def read():
        reads.append(clock.now_s)
        return json.dumps({"keys": offered})

    ring = KeyRing(read, clock.read)
    assert ring.find("key-2") is None
    offered.append(second.jwk())
    assert ring.find("key-2") is None
    assert len(reads) == 2
    clock.advance(60)
    assert ring.find("key-2") is not None
    assert len(reads) == 3


def test_a_changed_key_set_empties_the_token_cache(issuer, clock, sign):
    second, offered = Issuer(kid="key-2"), [issuer.jwk()]
    ring = KeyRing(lambda: json.dumps({"keys": offered}), clock.read)
    cache = TokenCache(Verifier(ring, ISSUER, AUDIENCE, clock.read), ring, clock.read)
    token = sign()
    cache.authenticate(token)
    offered[:] = [second.jwk()]
    assert ring.find("key-2") is not None
    with pytest.raises(UnauthorisedError, match="unknown"):
        cache.authenticate(token)


def test_a_key_that_was_replaced_under_its_old_name_is_gone(issuer, clock, sign):
    replacement, offered = Issuer(), [issuer.jwk()]
    ring = KeyRing(lambda: json.dumps({"keys": offered}), clock.read)
    cache = TokenCache(Verifier(ring, ISSUER, AUDIENCE, clock.read), ring, clock.read)
    token = sign()
    cache.authenticate(token)
    offered[:] = [replacement.jwk()]
    assert ring.find("key-2") is None
    with pytest.raises(UnauthorisedError, match="signature"):
        cache.authenticate(token)


@pytest.mark.parametrize("cached", [True, False])
def test_a_key_that_was_withdrawn_is_trusted_for_five_minutes_at_most(issuer, clock, sign, cached):
    offered = [issuer.jwk(), Issuer(kid="key-2").jwk()]
    ring = KeyRing(lambda: json.dumps({"keys": offered}), clock.read)
    verifier = Verifier(ring, ISSUER, AUDIENCE, clock.read)
    authenticate = TokenCache(verifier, ring, clock.read).authenticate if cached else verifier.verify
    token = sign(exp=clock.now_s + 3600)
    for _ in range(3):
        authenticate(token)
        clock.advance(299)
        authenticate(token)
        clock.advance(1)
    authenticate(token)
    del offered[0]
    clock.advance(299)
    authenticate(token)
    clock.advance(1)
    with pytest.raises(UnauthorisedError, match="unknown"):
        authenticate(token)


def test_a_token_that_is_verified_while_the_keys_change_is_not_remembered(issuer, clock, sign):
    second, offered = Issuer(kid="key-2"), [issuer.jwk()]
    ring = KeyRing(lambda: json.dumps({"keys": offered}), clock.read)
    cache = TokenCache(Verifier(ring, ISSUER, AUDIENCE, clock.read), ring, clock.read)
    verify = cache._verify

    def overtaken(token):
        principal = verify(token)
        cache._verify = verify
        offered[:] = [second.jwk()]
        assert ring.find("key-2") is not None
        # Whoever comes next empties the cache.
        with pytest.raises(UnauthorisedError, match="malformed"):
            cache.authenticate("another")
        return principal

    cache._verify = overtaken
    token = sign()
    cache.authenticate(token)
    with pytest.raises(UnauthorisedError, match="unknown"):
        cache.authenticate(token)


def test_a_broken_key_source_keeps_the_keys_in_hand_and_is_asked_once_a_minute(issuer, clock, caplog):
    good = issuer.settings.read_jwks()
    answers = [good, "not json", good, "{}", "[]"]
    ring = KeyRing(lambda: answers.pop(0), clock.read)
    assert ring.find("key-2") is None
    assert ring.find("key-1") is not None
    assert "cannot be read again" in caplog.text
    clock.advance(60)
    ring.find("key-1")
    assert len(answers) == 2
    for seconds, left in ((299, 2), (1, 1), (0, 1), (59, 1), (1, 0)):
        clock.advance(seconds)
        assert ring.find("key-1") is not None
        assert len(answers) == left


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"keys": []}', '{"keys": [{"kty": "oct", "kid": "a", "k": "AAAA"}]}']
)
def test_a_key_set_without_a_usable_key_is_refused(text):
    with pytest.raises(SettingsError, match="JWKS"):
        parse_jwks(text)


@pytest.mark.parametrize("change", [{"use": "enc"}, {"alg": "RS512"}, {"kid": ""}, {"kty": "EC"}])
def test_keys_for_anything_but_our_signatures_are_passed_over(issuer, change):
    other = issuer.jwk() | {"kid": "key-2"} | change
    assert parse_jwks(json.dumps({"keys": [issuer.jwk(), other]})).keys() == {"key-1"}


def test_a_short_key_is_refused(issuer):
    with pytest.raises(SettingsError, match="2048"):
        parse_jwks(json.dumps({"keys": [issuer.jwk() | {"n": "AQAB"}]}))


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", "bearer"])
def test_other_authorization_headers_are_refused(header):
    with pytest.raises(UnauthorisedError):
        bearer_token(header)


def test_the_scheme_is_case_insensitive():
    assert bearer_token("bEARER  abc ") == "abc"


def test_roles_map_to_permissions_and_other_groups_to_none():
    assert permissions_of(("viewer",)) == {"asset:read"}
    assert permissions_of(("analyst", "root", "tenant:x")) == {"asset:read", "job:submit"}
    assert permissions_of(("admin",)) == {"asset:read", "asset:write", "job:submit"}
    assert permissions_of(()) == frozenset()
