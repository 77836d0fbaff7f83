"""Names as a reader can see them: nothing that moves a cursor, turns text around or hides."""

import re

# Controls, directional overrides and marks, line and paragraph separators, halves of surrogate pairs, what is no character.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Return `text` with every character that cannot be seen written as its code point."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def short(text: str, most: int) -> str:
    """Return at most `most` characters of the visible text, the end of a longer one as an ellipsis."""
    text = visible(text)
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
