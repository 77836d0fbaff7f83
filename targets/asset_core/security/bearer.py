"""Turn an Authorization header into a principal, with or without a cache of verified tokens."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable

from targets.asset_core.errors import UnauthorisedError
from targets.asset_core.security.jwks import KeyRing
from targets.asset_core.security.permissions import Principal
from targets.asset_core.security.tokens import Verifier

CACHE_LIMIT = 10_000

Authenticate = Callable[[str], Principal]
"""Function of the token text that returns the principal; UnauthorisedError for an invalid token."""


def bearer_token(authorization: str | None) -> str:
    """Return the token of an Authorization header; UnauthorisedError if it is not a bearer token."""
    if authorization is None or authorization[:7].lower() != "bearer ":
        raise UnauthorisedError("there is no bearer token")
    return authorization[7:].strip()


class TokenCache:
    """Cache verified tokens by digest: bounded, never beyond `exp`, emptied when the key set changes.

    Only the SHA-256 digest of a token is stored.
    """

    def __init__(
        self, verifier: Verifier, keys: KeyRing, wall: Callable[[], float], limit: int = CACHE_LIMIT
    ) -> None:
        self._verify = verifier.verify
        self._keys = keys
        self._wall = wall
        self._limit = limit
        self._lock = threading.Lock()
        self._verified: OrderedDict[bytes, Principal] = OrderedDict()
        self._generation = keys.generation()

    def authenticate(self, token: str) -> Principal:
        """Return the principal of a token; expiry is checked on every request."""
        try:
            digest = hashlib.sha256(token.encode("ascii")).digest()
        except UnicodeEncodeError as error:
            raise UnauthorisedError("the token is malformed") from error
        generation = self._keys.generation()
        if self._generation != generation:
            self._forget(generation)
        principal = self._verified.get(digest)
        if principal is not None and self._wall() < principal.expires_s:
            return principal
        principal = self._verify(token)
        self._remember(digest, principal, generation)
        return principal

    def __len__(self) -> int:
        return len(self._verified)

    def _forget(self, generation: int) -> None:
        with self._lock:
            self._generation = generation
            self._verified.clear()

    def _remember(self, digest: bytes, principal: Principal, generation: int) -> None:
        with self._lock:
            if generation != self._generation:
                # The token may have been verified with keys that have been replaced meanwhile.
                return
            if self._wall() >= principal.expires_s:
                self._verified.pop(digest, None)
                return
            self._verified[digest] = principal
            if len(self._verified) > self._limit:
                self._verified.popitem(last=False)
