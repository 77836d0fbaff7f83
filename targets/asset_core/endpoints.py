"""What each operation does, once the caller is known and permitted."""

from collections.abc import Callable

from targets.asset_core.cache.entry import Entry
from targets.asset_core.container import Resources
from targets.asset_core.encoding import GZIP_OVER_BYTES, etag_of
from targets.asset_core.errors import NotFoundError
from targets.asset_core.request import Request
from targets.asset_core.responses import (
    REFUSAL_HEADERS,
    Response,
    accepts_gzip,
    matches_etag,
    respond,
)
from targets.asset_core.routing import GET_ASSET, GET_HEALTH
from targets.asset_core.switches import Switches

Endpoint = Callable[[Resources, Request], Response]


def make_endpoints(switches: Switches) -> dict[str, Endpoint]:
    """Return the function of each operation."""
    present = Presenter(compression=switches.compression).present

    def get_asset(resources: Resources, request: Request) -> Response:
        entry = resources.cache.load(request.principal.tenant, request.target_id, request.scope)
        if entry.body is None and entry.document is None:
            raise NotFoundError("no such asset")
        if entry.document is not None:
            entry = encoded(resources, entry)
        return present(entry, request)

    return {GET_ASSET.operation: get_asset, GET_HEALTH.operation: get_health}


def get_health(resources: Resources, request: Request) -> Response:
    """Answer with the state of each store: 200 while requests can be served, 503 otherwise."""
    view = resources.health.view(request.scope)
    return respond(503 if view.status == "down" else 200, resources.encode(view).decode(), REFUSAL_HEADERS)


def encoded(resources: Resources, entry: Entry) -> Entry:
    """Return the encoded form of an entry that holds an object: what is paid on each hit without `cache_encoded`."""
    body = resources.encode(entry.document)
    return Entry(entry.fetched_at_s, body=body, etag=etag_of(body))


class Presenter:
    """Makes the response for an entry: 304, gzip or plain."""

    def __init__(self, *, compression: bool) -> None:
        self._compression = compression

    def present(self, entry: Entry, request: Request) -> Response:
        """Return the response; the headers are the caller's to change."""
        asked = request.headers
        if "if-none-match" in asked and matches_etag(asked["if-none-match"], entry.etag):
            return respond(304, "", entry.headers)
        headers = entry.headers.copy()
        if self._wants_gzip(entry, asked.get("accept-encoding")):
            headers["Content-Encoding"] = "gzip"
            return {"statusCode": 200, "headers": headers, "body": entry.gzipped(), "isBase64Encoded": True}
        return {"statusCode": 200, "headers": headers, "body": entry.plain(), "isBase64Encoded": False}

    def _wants_gzip(self, entry: Entry, accepted: str | None) -> bool:
        if not self._compression or accepted is None or len(entry.body or b"") <= GZIP_OVER_BYTES:
            return False
        return accepts_gzip(accepted)
