"""Write text to a stream without failing: a closed pipe, an encoding or a full disk does not end the command.

Characters that a stream cannot encode are replaced. A stream that fails is not written to again; the command writes its
report and its files, and reports at its end what could not be printed (`Outlet.trouble`).
"""

import codecs
import contextlib
import io
import os
from collections.abc import Callable, Iterator
from typing import TextIO

_HANDLER = "harness.outlet"
# Replacements for the characters beyond ASCII in our own sentences and tables.
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
    """A stream that accepts every text; `find` returns the real one, or None where the caller has closed it."""

    def __init__(self, find: Callable[[], TextIO | None]) -> None:
        super().__init__()
        self._find = find
        self._error: OSError | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Encoding of the stream; libraries choose their characters by it."""
        return getattr(self._find(), "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Return true if the stream is a terminal."""
        stream = self._find()
        return stream is not None and stream.isatty()

    def fileno(self) -> int:
        """Return the file descriptor of the stream. Raises OSError where it has none."""
        stream = self._find()
        if stream is None:
            raise io.UnsupportedOperation("fileno")
        return stream.fileno()

    def writable(self) -> bool:
        """Return true: the stream always accepts text."""
        return True

    def write(self, text: str, /) -> int:
        """Write `text` as far as it can be encoded, unless the stream has failed."""
        if (stream := self._find()) is not None and self._error is None:
            with self._failing():
                stream.write(text.encode(self.encoding, _HANDLER).decode(self.encoding))
        return len(text)

    def flush(self) -> None:
        """Flush the stream; a failure is kept as `trouble`."""
        if (stream := self._find()) is not None and self._error is None:
            with self._failing():
                stream.flush()

    def close(self) -> None:
        """Do nothing: the stream belongs to the process, and `io` would flush it at the end of this object."""

    @property
    def trouble(self) -> str | None:
        """Reason why some text could not be written; None if all was, or the reader closed the pipe."""
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
        """Redirect the stream to /dev/null: the interpreter would fail at its end on text still buffered."""
        with contextlib.suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.fileno())
            os.close(nothing)
