"""Make names safe to show: without characters that move a cursor, reverse text or hide it."""

from harness.redaction.visible import visible

__all__ = ["short", "visible"]


def short(text: str, most: int) -> str:
    """Return at most `most` characters of the visible text, the end of a longer one as an ellipsis."""
    text = visible(text)
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
