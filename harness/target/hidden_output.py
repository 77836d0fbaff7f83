"""Hide what users save on their journey in the output of the measured process, which goes into a log of the run."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.target.journeys import without_secrets
from harness.target.spec import REQUESTS

_SAVES = b'"save"'


class HiddenOutput:
    """A text stream without the secrets of the user in whose call something is written."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, and return its number of characters."""
        self._stream.write(without_secrets(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Return anything else of the stream itself."""
        return getattr(self._stream, name)


def hide_in_output(parameters: Mapping[str, str]) -> None:
    """Hide secrets in all that Python code of this process prints from now on, if the requests of its target save values.

    Call it before the target is imported: it may keep the stream, as loggers do. Without such requests nothing changes.
    """
    try:
        saves = _SAVES in Path(parameters[REQUESTS]).read_bytes()
    except (KeyError, OSError):
        return
    if saves:
        sys.stdout, sys.stderr = HiddenOutput(sys.stdout), HiddenOutput(sys.stderr)
