"""A test issuer: a fresh RSA key, its key set, and signed tokens for hosting and tests. Never used in Lambda."""

import base64
import functools
import json
import time

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from targets.asset_core.settings import TokenSettings

ISSUER = "https://issuer.example/pool"
AUDIENCE = "asset-core"
LIFETIME_S = 12 * 3600


class Issuer:
    """Sign tokens that a core with `settings` accepts."""

    def __init__(self, kid: str = "key-1") -> None:
        self.kid = kid
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.settings = TokenSettings(
            issuer=ISSUER, audience=AUDIENCE, jwks=json.dumps({"keys": [self.jwk()]})
        )
        self.token = functools.cache(self._token)

    def jwk(self) -> dict[str, str]:
        """Return the public key as a JWK."""
        numbers = self.key.public_key().public_numbers()
        return {
            "kty": "RSA",
            "kid": self.kid,
            "use": "sig",
            "alg": "RS256",
            "n": _segment(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)),
            "e": _segment(numbers.e.to_bytes(3)),
        }

    def claims(self, tenant: str, user: str, *, role: str, use: str) -> dict[str, object]:
        """Return the claims of a Cognito-style ID or access token that is valid now."""
        now_s = int(time.time())
        claims: dict[str, object] = {
            "iss": ISSUER,
            "sub": user,
            "iat": now_s,
            "nbf": now_s,
            "exp": now_s + LIFETIME_S,
        }
        if use == "id":
            return claims | {
                "token_use": "id",
                "aud": AUDIENCE,
                "custom:tenant": tenant,
                "cognito:groups": [role],
            }
        return claims | {
            "token_use": "access",
            "client_id": AUDIENCE,
            "cognito:groups": [role, f"tenant:{tenant}"],
        }

    def sign(self, claims: dict[str, object]) -> str:
        """Return a compact token over `claims`."""
        header = {"alg": "RS256", "kid": self.kid, "typ": "JWT"}
        signed = ".".join(
            _segment(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims)
        )
        return f"{signed}.{_segment(self.key.sign(signed.encode(), PKCS1v15(), SHA256()))}"

    def _token(self, tenant: str, user: str, *, role: str, use: str) -> str:
        return self.sign(self.claims(tenant, user, role=role, use=use))


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
