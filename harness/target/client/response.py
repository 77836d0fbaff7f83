"""Read one HTTP response from chunks of bytes, by geventhttpclient's parser (llhttp).

The parser is the one of Locust's FastHttpUser. It knows nothing of sockets, so it serves greenlets and threads alike.
"""

from typing import Any

# The base of its HTTPResponse, whose own handling of headers and body would double the time of a small response.
from geventhttpclient._parser import HTTPParseError, HTTPResponseParser

_FIRST_FINAL = 200


class Response(HTTPResponseParser):
    """The response to one request: its status, and whether it is complete. Headers and body are skipped.

    An interim response (1xx) is no response, except 101, after which the connection speaks another protocol.
    """

    def __init__(self, *, is_head: bool) -> None:
        super().__init__()
        self._is_head = is_head
        self.status = 0
        self.has_headers = False
        self.is_complete = False
        self.keeps_connection = False
        """True if the server lets the connection be used again."""
        self.is_first = False
        """True if the request was the first of its connection."""

    def take(self, chunk: bytes) -> None:
        """Read the next bytes; none at the end of the connection.

        Bytes beyond the end of the response are no part of it, and end the use of the connection. Raises `EOFError` at the
        end of the connection if the response is not complete, and `HTTPParseError` for bytes that are no response.
        """
        try:
            self.feed(chunk)
        except HTTPParseError as error:
            if not self.is_complete:
                if not chunk:
                    raise EOFError from error
                raise
            self.keeps_connection = False
        if not chunk and not self.is_complete:
            raise EOFError

    def _on_message_begin(self) -> None:
        if self.is_complete:
            self.keeps_connection = False

    def _on_headers_complete(self) -> bool:
        if not self.is_complete:
            self.has_headers = True
        return self._is_head

    def _on_message_complete(self) -> None:
        status = self.get_code()
        if self.is_complete or (status < _FIRST_FINAL and status != 101):
            self.has_headers = self.is_complete
            return
        self.status, self.is_complete = status, True
        self.keeps_connection = self.should_keep_alive()

    def _on_status(self, _text: str) -> None:
        pass

    def _on_header_field(self, _text: str) -> None:
        pass

    def _on_header_value(self, _text: str) -> None:
        pass

    def _on_body(self, _chunk: Any) -> None:
        pass


class KeptResponse(Response):
    """A response whose headers are kept, and its body if `keeps_body`."""

    def __init__(self, *, is_head: bool, keeps_body: bool) -> None:
        super().__init__(is_head=is_head)
        self._keeps_body = keeps_body
        self._is_value = True
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()

    def _on_message_begin(self) -> None:
        super()._on_message_begin()
        if not self.is_complete:
            self.headers.clear()

    def _on_header_field(self, text: str) -> None:
        if self.is_complete:
            return
        if self._is_value:
            self.headers.append((text, ""))
        else:
            self.headers[-1] = (self.headers[-1][0] + text, "")
        self._is_value = False

    def _on_header_value(self, text: str) -> None:
        if self.is_complete:
            return
        name, value = self.headers[-1]
        self.headers[-1] = (name, value + text)
        self._is_value = True

    def _on_body(self, chunk: Any) -> None:
        if self._keeps_body and not self.is_complete:
            self.body += chunk
