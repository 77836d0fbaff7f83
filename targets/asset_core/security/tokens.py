"""Verify bearer tokens in the style of Cognito: RS256, ID and access tokens, tenant and roles from the claims."""

from collections.abc import Callable

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from targets.asset_core.errors import UnauthorisedError
from targets.asset_core.security.base64url import decode_segment
from targets.asset_core.security.jwks import KeyRing
from targets.asset_core.security.permissions import Principal, permissions_of
from targets.asset_core.validation import is_name

LEEWAY_S = 5.0
LONGEST_TOKEN = 8192
TENANT_GROUP = "tenant:"

_PADDING = PKCS1v15()
_HASH = SHA256()


class _Header(msgspec.Struct):
    alg: str
    kid: str
    crit: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Claims(msgspec.Struct):
    iss: str
    sub: str
    exp: float
    token_use: str
    nbf: float = 0.0
    aud: str | list[str] | None = None
    client_id: str | None = None
    tenant: str | None = msgspec.field(name="custom:tenant", default=None)
    groups: tuple[str, ...] = msgspec.field(name="cognito:groups", default=())


_decode_header = msgspec.json.Decoder(_Header).decode
_decode_claims = msgspec.json.Decoder(_Claims).decode


class Verifier:
    """Verify tokens of one issuer for one audience. Each refusal is an UnauthorisedError with the reason for the log."""

    def __init__(self, keys: KeyRing, issuer: str, audience: str, wall: Callable[[], float]) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._wall = wall

    def verify(self, token: str) -> Principal:
        """Return the principal of a token, after checking signature, times, issuer, audience and tenant."""
        claims = self._signed_claims(token)
        self._check_times(claims)
        self._check_addressees(claims)
        tenant = _tenant_of(claims)
        if not is_name(tenant):
            raise UnauthorisedError("the tenant is not a valid name")
        return Principal(claims.sub, tenant, permissions_of(claims.groups), claims.exp)

    def _signed_claims(self, token: str) -> _Claims:
        if len(token) > LONGEST_TOKEN:
            raise UnauthorisedError("the token is too long")
        try:
            signed, _, signature = token.encode("ascii").rpartition(b".")
            head, _, payload = signed.partition(b".")
            self._check_signature(_decode_header(decode_segment(head)), signed, decode_segment(signature))
            return _decode_claims(decode_segment(payload))
        except (ValueError, msgspec.MsgspecError) as error:
            raise UnauthorisedError("the token is malformed") from error
        except InvalidSignature as error:
            raise UnauthorisedError("the signature is wrong") from error

    def _check_signature(self, header: _Header, signed: bytes, signature: bytes) -> None:
        # The algorithm is fixed here and not taken from the token: `none` and HS256 are refused.
        if header.alg != "RS256":
            raise UnauthorisedError("the algorithm is not RS256")
        if header.crit is not msgspec.UNSET:
            raise UnauthorisedError("the token has critical extensions")
        key = self._keys.find(header.kid)
        if key is None:
            raise UnauthorisedError("the key is unknown")
        key.verify(signature, signed, _PADDING, _HASH)

    def _check_times(self, claims: _Claims) -> None:
        now_s = self._wall()
        if not now_s < claims.exp + LEEWAY_S:
            raise UnauthorisedError("the token has expired")
        if not now_s >= claims.nbf - LEEWAY_S:
            raise UnauthorisedError("the token is not valid yet")

    def _check_addressees(self, claims: _Claims) -> None:
        if claims.iss != self._issuer:
            raise UnauthorisedError("the issuer is wrong")
        if claims.token_use == "id":  # noqa: S105 (the use of a token, not a token)
            audience: object = claims.aud
        elif claims.token_use == "access":  # noqa: S105
            audience = claims.client_id
        else:
            raise UnauthorisedError("the use of the token is unknown")
        if audience not in (self._audience, [self._audience]):
            raise UnauthorisedError("the audience is wrong")


def _tenant_of(claims: _Claims) -> str:
    if claims.token_use == "id":  # noqa: S105
        return claims.tenant or ""
    tenants = [group.removeprefix(TENANT_GROUP) for group in claims.groups if group.startswith(TENANT_GROUP)]
    if len(tenants) != 1:
        raise UnauthorisedError("the token does not name exactly one tenant")
    return tenants[0]
