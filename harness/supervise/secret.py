"""Values that must never be printed."""

from collections.abc import Iterable

HIDDEN = "[redacted]"


class Secrets:
    """A growing collection of secret values, and the text with them taken out."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: set[str] = set()
        self.add(*values)

    def add(self, *values: str) -> None:
        """Hide these values from now on; empty ones are ignored."""
        self._values.update(value for value in values if value)

    def hide(self, text: str) -> str:
        """Return `text` with every known secret replaced."""
        # Longest first: a secret may contain another one.
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        return text
