"""Turn a body into a proxy response: 304, gzip or plain."""

from targets.asset_core.cache.entry import Entry
from targets.asset_core.encoding import GZIP_OVER_BYTES, compress
from targets.asset_core.request import Request
from targets.asset_core.responses import (
    REFUSAL_HEADERS,
    Response,
    accepts_gzip,
    base64_text,
    matches_etag,
    respond,
)


class Presenter:
    """Make the responses with a separate body."""

    def __init__(self, *, compression: bool) -> None:
        self._compression = compression

    def present(self, entry: Entry, request: Request) -> Response:
        """Return the response for a cached entry; the caller may change the headers."""
        asked = request.headers
        if "if-none-match" in asked and matches_etag(asked["if-none-match"], entry.etag):
            return respond(304, "", entry.headers)
        headers = entry.headers.copy()
        if self._wants_gzip(entry.body or b"", asked.get("accept-encoding")):
            headers["Content-Encoding"] = "gzip"
            return {"statusCode": 200, "headers": headers, "body": entry.gzipped(), "isBase64Encoded": True}
        return {"statusCode": 200, "headers": headers, "body": entry.plain(), "isBase64Encoded": False}

    def send(self, status: int, body: bytes, request: Request) -> Response:
        """Return the response for a body that is never cached."""
        if not self._wants_gzip(body, request.headers.get("accept-encoding")):
            return respond(status, body.decode(), REFUSAL_HEADERS | _VARY)
        headers = REFUSAL_HEADERS | _VARY | {"Content-Encoding": "gzip"}
        text = base64_text(compress(body))
        return {"statusCode": status, "headers": headers, "body": text, "isBase64Encoded": True}

    def _wants_gzip(self, body: bytes, accepted: str | None) -> bool:
        if not self._compression or accepted is None or len(body) <= GZIP_OVER_BYTES:
            return False
        return accepts_gzip(accepted)


_VARY = {"Vary": "Accept-Encoding"}
