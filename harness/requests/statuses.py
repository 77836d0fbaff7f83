"""Read HTTP statuses as people write them: 404, '200-399', a list of both."""

from collections.abc import Iterable, Mapping

STATUSES = range(100, 600)


def read_statuses(words: object) -> frozenset[int]:
    """Return the statuses in `words`: numbers and spans such as `200-399`, in a collection or separated by commas.

    Raises `ValueError` for anything else.
    """
    if isinstance(words, str):
        words = [word.strip() for word in words.split(",")]
    elif isinstance(words, int):
        words = [words]
    if not isinstance(words, Iterable) or isinstance(words, Mapping):
        raise ValueError(f"{words!r:.60} is not a collection of statuses such as 404 or '200-399'")  # noqa: TRY004 - as promised
    return frozenset(status for word in words for status in _span(word))


def _span(word: object) -> range:
    first, dash, last = str(int(word) if isinstance(word, int) else word).partition("-")
    if isinstance(word, bool) or not first.isdecimal() or not (last if dash else first).isdecimal():
        raise ValueError(f"{word!r:.60} is neither a status such as 404 nor a span such as '200-399'")
    span = range(int(first), int(last or first) + 1)
    if not span or span[0] not in STATUSES or span[-1] not in STATUSES:
        raise ValueError(f"{word!r:.60} is not within 100 to 599")
    return span
