"""Build words and lists for the sentences of all reports."""

from collections.abc import Sequence


def plural(count: int, noun: str, many: str = "") -> str:
    """Return `1 block` or `12 blocks`; `many` is the plural where it is not the noun with an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {many or f'{noun}s'}"


def listed(words: Sequence[str]) -> str:
    """Return `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
