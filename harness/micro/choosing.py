"""Choose benchmarks by the words of a user: names, parts of names, and globs."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

from harness.errors import InvalidRunError, UsageError
from harness.policy.policy import fits

_PARTS = re.compile(r"[^\W_]+")


def choose(names: Sequence[str], words: Iterable[str], broken: Mapping[str, str]) -> tuple[str, ...]:
    """Return the benchmarks that any of `words` selects, in the order of the suite; all of them without a word.

    A word is a name, a part of one, or a glob over whole names. Raises `UsageError` with the nearest names for a word
    that selects nothing, `InvalidRunError` if it would select a file that cannot be imported.
    """
    words = tuple(words)
    for word in words:
        if not any(selects(word, name) for name in names):
            _refuse(word, names, broken)
    return tuple(name for name in names if is_chosen(name, words))


def is_chosen(name: str, words: Sequence[str]) -> bool:
    """Return True if any of `words` selects the name, or there is no word."""
    return not words or any(selects(word, name) for word in words)


def selects(word: str, name: str) -> bool:
    """Return True if the word is a part of the name, or a glob that fits the whole of it."""
    return word in name or fits(word, name)


def _refuse(word: str, names: Sequence[str], broken: Mapping[str, str]) -> None:
    for file, error in broken.items():
        if selects(word, file):
            raise InvalidRunError(
                f"{file} cannot be imported: {error}",
                where=f"selected by '{word}'",
                remedy="Correct it; without this word the rest is measured",
            )
    raise UsageError(f"No benchmark matches '{word}'", remedy=_nearest(word, names))


def _nearest(word: str, names: Sequence[str]) -> str:
    parts = {part: name for name in names for part in [name, *_PARTS.findall(name)]}
    close = difflib.get_close_matches(word, parts, 3, 0.6)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    shown = ", ".join(names[:5])
    return f"There are {len(names)}, such as {shown}" if len(names) > 5 else f"There are: {shown}"
