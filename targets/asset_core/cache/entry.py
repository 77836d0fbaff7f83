"""A cache entry: an immutable encoded body with its entity tag and time, or the absence of an asset."""

from datetime import UTC, datetime

from targets.asset_core.encoding import compress
from targets.asset_core.model import FullAsset
from targets.asset_core.responses import JSON_TYPE, base64_text

OVERHEAD_BYTES = 512
"""Memory of an entry in addition to its bodies: the object, its headers, its table slot."""


class Entry:
    """One cached answer: `body` holds the encoded form, `document` the object when caches hold objects.

    Both are None if the asset does not exist. `fetched_at_s` is wall-clock time.
    """

    __slots__ = ("body", "document", "etag", "fetched_at_s", "gzip_text", "headers", "text")

    def __init__(
        self,
        fetched_at_s: float,
        *,
        body: bytes | None = None,
        document: FullAsset | None = None,
        etag: str = "",
    ) -> None:
        self.body = body
        self.document = document
        self.etag = etag
        self.fetched_at_s = fetched_at_s
        self.text: str | None = None
        self.gzip_text: str | None = None
        self.headers = asset_headers(etag, fetched_at_s) if body is not None else {}

    @property
    def missing(self) -> bool:
        """Return True if the asset does not exist."""
        return self.body is None and self.document is None

    def plain(self) -> str:
        """Return the body as text, made once."""
        text = self.text
        if text is None:
            text = self.text = (self.body or b"").decode()
        return text

    def gzipped(self) -> str:
        """Return the gzip form in base64, made once, on first demand."""
        text = self.gzip_text
        if text is None:
            text = self.gzip_text = base64_text(compress(self.body or b""))
        return text

    @property
    def size_bytes(self) -> int:
        """An upper estimate of the entry's memory with all forms: body, text and gzip form."""
        return OVERHEAD_BYTES + 4 * len(self.body or b"")


def asset_headers(etag: str, fetched_at_s: float) -> dict[str, str]:
    """Return the headers of an asset's response."""
    fetched_at = datetime.fromtimestamp(fetched_at_s, UTC).isoformat(timespec="milliseconds")
    return {
        "Content-Type": JSON_TYPE,
        "Cache-Control": "private, no-cache",
        "Vary": "Accept-Encoding",
        "ETag": etag,
        "X-Fetched-At": fetched_at.replace("+00:00", "Z"),
    }
