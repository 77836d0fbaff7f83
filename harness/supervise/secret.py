"""Hold secret values, and hide them in text."""

import re
from collections.abc import Iterable

from harness.redaction.patterns import HIDDEN
from harness.redaction.redact import redact_text, secret_spans


class Secrets:
    """A growing collection of secret values, and the redaction of text."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: set[str] = set()
        self.add(*values)

    def add(self, *values: str) -> None:
        """Hide these values from now on; empty ones are ignored."""
        self._values.update(value for value in values if value)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the spans of secrets in `text`, in order; they may overlap."""
        known = (found.span() for value in self._values for found in re.finditer(re.escape(value), text))
        return sorted({*known, *((span.start, span.end) for span in secret_spans(text))})

    def hide(self, text: str) -> str:
        """Return `text` with every secret replaced, known or recognised."""
        # Longest first: a secret may contain another one.
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        return redact_text(text)
