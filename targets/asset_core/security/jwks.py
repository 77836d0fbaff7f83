"""The key set: RS256 public keys by `kid`, read again every five minutes, and for an unknown `kid`.

Unknown ones cause a read at most once a minute.
"""

import logging
import threading
from collections.abc import Callable

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from targets.asset_core.errors import SettingsError
from targets.asset_core.logs import one_line
from targets.asset_core.security.base64url import decode_segment

LOG = logging.getLogger("asset_core.jwks")

REREAD_AFTER_S = 60.0
TRUSTED_S = 300.0
"""Longest trust in a key that has left the key set, in seconds, while the key set is readable."""

SMALLEST_KEY_BITS = 2048


class _Key(msgspec.Struct):
    kty: str
    kid: str = ""
    n: str = ""
    e: str = ""
    use: str = "sig"
    alg: str = "RS256"


class _KeySet(msgspec.Struct):
    keys: list[_Key]


Keys = dict[str, rsa.RSAPublicKey]


def parse_jwks(text: str) -> Keys:
    """Return the usable keys of a JWKS document; raises SettingsError if it is malformed or holds none."""
    try:
        keys = msgspec.json.decode(text, type=_KeySet).keys
        usable = {key.kid: _public_key(key) for key in keys if _is_usable(key)}
    except (msgspec.MsgspecError, ValueError) as error:
        raise SettingsError(
            f"the key set is malformed: {error}", where="JWKS", remedy="Pass a JWKS document"
        ) from error
    if not usable:
        raise SettingsError(
            "the key set holds no RSA signing key with a kid",
            where="JWKS",
            remedy="Add an RS256 key of 2048 bits or more",
        )
    return usable


class KeyRing:
    """Find keys by `kid`. `read` returns the JWKS text; `clock` is monotonic seconds."""

    def __init__(self, read: Callable[[], str], clock: Callable[[], float]) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._keys = parse_jwks(read())
        self._reread_at_s = float("-inf")
        self._stale_at_s = clock() + TRUSTED_S
        self._generation = 0

    def find(self, kid: str) -> rsa.RSAPublicKey | None:
        """Return the key, or None if the key set lacks it, even after reading it again."""
        self._refresh()
        key = self._keys.get(kid)
        if key is None and self._reread():
            key = self._keys.get(kid)
        return key

    def generation(self) -> int:
        """Return a number that grows with each change of the key set, after reading it again if due."""
        self._refresh()
        return self._generation

    def _refresh(self) -> None:
        if self._clock() >= self._stale_at_s:
            self._reread()

    def _reread(self) -> bool:
        with self._lock:
            now_s = self._clock()
            if now_s < self._reread_at_s:
                return False
            self._reread_at_s = self._stale_at_s = now_s + REREAD_AFTER_S
        try:
            keys = parse_jwks(self._read())
        except SettingsError as error:
            # The present keys stay valid; a broken source must not lock out every caller.
            LOG.warning(
                "the key set cannot be read again, and the keys in hand are used on: %s", one_line(str(error))
            )
            return False
        self._stale_at_s = now_s + TRUSTED_S
        # Compare the keys as well as their names: a key replaced under its old name is no longer valid.
        if keys != self._keys:
            self._keys = keys
            self._generation += 1
        return True


def _is_usable(key: _Key) -> bool:
    return key.kty == "RSA" and key.use == "sig" and key.alg == "RS256" and bool(key.kid)


def _public_key(key: _Key) -> rsa.RSAPublicKey:
    modulus = int.from_bytes(decode_segment(key.n.encode("ascii")))
    if modulus.bit_length() < SMALLEST_KEY_BITS:
        raise ValueError(f"key {key.kid!r} has fewer than {SMALLEST_KEY_BITS} bits")
    exponent = int.from_bytes(decode_segment(key.e.encode("ascii")))
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()
