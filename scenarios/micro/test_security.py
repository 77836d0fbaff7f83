"""Tokens: verified with a signature check, or found in the cache."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from targets.asset_core.issuing import Issuer
from targets.asset_core.security.bearer import TokenCache
from targets.asset_core.security.jwks import KeyRing
from targets.asset_core.security.permissions import Principal
from targets.asset_core.security.tokens import Verifier

TOKENS = 20
LOOKUPS = 100


@pytest.fixture
def verifier(issuer: Issuer) -> Verifier:
    """Return a verifier of the issuer's tokens."""
    settings = issuer.settings
    return Verifier(_keys(issuer), settings.issuer, settings.audience, time.time)


def _keys(issuer: Issuer) -> KeyRing:
    return KeyRing(issuer.settings.read_jwks, time.monotonic)


def _tokens(issuer: Issuer, count: int) -> list[str]:
    return [issuer.token("tenant-01", f"user-{number}", role="viewer", use="id") for number in range(count)]


def test_verify_token(benchmark: Any, issuer: Issuer, verifier: Verifier) -> None:
    """One RS256 token, with signature, times, issuer and audience."""
    (token,) = _tokens(issuer, 1)
    principal = benchmark(verifier.verify, token)
    assert (principal.tenant, principal.subject) == ("tenant-01", "user-0")


def test_remembered_tokens(benchmark: Any, issuer: Issuer, verifier: Verifier) -> None:
    """100 tokens that have been verified before."""
    cache = TokenCache(verifier, _keys(issuer), time.time)
    tokens = _tokens(issuer, TOKENS) * (LOOKUPS // TOKENS)
    benchmark.extra_info["per_call"] = LOOKUPS
    principal = benchmark(_authenticate_all, cache.authenticate, tokens)
    assert principal.subject == f"user-{TOKENS - 1}"
    assert len(cache) == TOKENS


def _authenticate_all(authenticate: Callable[[str], Principal], tokens: Sequence[str]) -> Principal | None:
    principal = None
    for token in tokens:
        principal = authenticate(token)
    return principal
