"""Accept only DynamoDB requests signed with one secret key (AWS Signature Version 4).

Every user of a machine can reach a port of 127.0.0.1, and so can every web page in a browser on it. The signature is
checked as AWS describes it: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import functools
import hashlib
import hmac
import io
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/(?P<scope>(?P<date>\d{8})/(?P<region>[\w-]+)/dynamodb/aws4_request), *"
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), *Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)
_MUST_BE_SIGNED = {"host", "x-amz-date", "x-amz-target"}
_SERVICE = "DynamoDB_20120810."
# A batch of 25 items of 400 kB each is the largest request of DynamoDB: 16 MB.
_MOST_BYTES = 16 << 20
_REFUSAL = (
    b'{"__type":"com.amazon.coral.service#UnrecognizedClientException",'
    b'"message":"The request is not signed with the key of this server."}'
)


class OnlySigned:
    """A WSGI application that passes on requests signed with `key_id` and `secret`, and answers others with 403."""

    def __init__(self, application: Application, key_id: str, secret: str) -> None:
        self._application = application
        self._key_id = key_id.encode()
        self._secret = secret

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        if self._is_allowed(environ):
            return self._application(environ, start_response)
        headers = [("Content-Type", "application/x-amz-json-1.0"), ("Content-Length", str(len(_REFUSAL)))]
        start_response("403 Forbidden", headers)
        return [_REFUSAL]

    def _is_allowed(self, environ: dict[str, Any]) -> bool:
        signed = _AUTHORIZATION.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
        if signed is None or not hmac.compare_digest(signed["key"].encode(), self._key_id):
            return False
        names = signed["headers"].split(";")
        if not (_is_ours(environ) and _MUST_BE_SIGNED.issubset(names)):
            return False
        body = _body(environ)
        if body is None:
            return False
        headers = "".join(f"{name}:{' '.join(_header(environ, name).split())}\n" for name in names)
        request = f"POST\n/\n\n{headers}\n{signed['headers']}\n{hashlib.sha256(body).hexdigest()}"
        digest = hashlib.sha256(request.encode("latin-1")).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{_header(environ, 'x-amz-date')}\n{signed['scope']}\n{digest}"
        key = _signing_key(self._secret, signed["date"], signed["region"])
        expected = hmac.digest(key, text.encode("latin-1"), "sha256").hex()
        return hmac.compare_digest(expected, signed["signature"])


def _is_ours(environ: Mapping[str, Any]) -> bool:
    return (
        environ["REQUEST_METHOD"] == "POST"
        and environ.get("PATH_INFO", "") == "/"
        and not environ.get("QUERY_STRING")
        and environ.get("HTTP_X_AMZ_TARGET", "").startswith(_SERVICE)
    )


def _body(environ: dict[str, Any]) -> bytes | None:
    """Return the whole body and put it back; None if its length is unknown or impossible."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdecimal()) or int(length) > _MOST_BYTES:
        return None
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _header(environ: Mapping[str, Any], name: str) -> str:
    variable = name.replace("-", "_").upper()
    if variable not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
        variable = f"HTTP_{variable}"
    return str(environ.get(variable, ""))


@functools.lru_cache(maxsize=8)
def _signing_key(secret: str, date: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, "dynamodb", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
