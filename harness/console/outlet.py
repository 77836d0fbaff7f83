"""The one way of text out of the process: no reader, no encoding and no full disk ends the work that the text is about.

What a stream cannot encode is replaced. A stream that fails is not written to again; the command goes on, writes its
report and its files, and says at its end what could not be printed (`Outlet.trouble`).
"""

import codecs
import contextlib
import io
import os
from collections.abc import Callable, Iterator
from typing import TextIO

_HANDLER = "harness.outlet"
# What our own sentences and tables hold beyond ASCII, for those who cannot read it.
_PLAIN = {
    "µ": "u", "μ": "u", "…": "...", "→": "->", "×": "x", "–": "-", "—": "-", "−": "-", "±": "+/-", "·": "-", "≤": "<=",
    "≥": ">=", "━": "-", "─": "-", "│": "|", "█": "#",
}  # fmt: skip


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(
        _PLAIN.get(character, "?") for character in error.object[error.start : error.end]
    ), error.end


codecs.register_error(_HANDLER, _replaced)


class Outlet(io.TextIOBase):
    """A stream that takes every text; `find` says which. None in its place, which the caller had closed, takes it too."""

    def __init__(self, find: Callable[[], TextIO | None]) -> None:
        super().__init__()
        self._find = find
        self._error: OSError | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream, by which others choose their characters."""
        return getattr(self._find(), "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Tell whether a terminal shows it."""
        stream = self._find()
        return stream is not None and stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the stream. Raises OSError where it has none."""
        stream = self._find()
        if stream is None:
            raise io.UnsupportedOperation("fileno")
        return stream.fileno()

    def writable(self) -> bool:
        """Tell that it takes text, as it always does."""
        return True

    def write(self, text: str, /) -> int:
        """Write `text` as far as it can be encoded, if the stream still takes any."""
        if (stream := self._find()) is not None and self._error is None:
            with self._failing():
                stream.write(text.encode(self.encoding, _HANDLER).decode(self.encoding))
        return len(text)

    def flush(self) -> None:
        """Let the reader have all that was written."""
        if (stream := self._find()) is not None and self._error is None:
            with self._failing():
                stream.flush()

    def close(self) -> None:
        """Do nothing: the stream is the process's, and `io` would flush it whenever this object is forgotten."""

    @property
    def trouble(self) -> str | None:
        """Why not all could be written; None where it could, or its reader went away and wanted no more."""
        if self._error is None or isinstance(self._error, BrokenPipeError):
            return None
        return self._error.strerror or str(self._error)

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._error = error
            self._forget()

    def _forget(self) -> None:
        """Point the stream at nothing: the interpreter would stumble at its end over what is still to be written."""
        with contextlib.suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.fileno())
            os.close(nothing)
