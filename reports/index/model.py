"""The view of an index: plain data for its page."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One run or session. `tone` is the class of its word, `address` its page; `search` what the search looks through."""

    name: str
    address: str | None
    day: str
    time: str
    kind: str
    title: str
    word: str
    tone: str
    figures: tuple[tuple[str, str], ...]
    reason: str
    search: str


@dataclasses.dataclass(frozen=True, slots=True)
class IndexView:
    """The whole page. `counts` are the lines by word."""

    title: str
    sentence: str
    lines: tuple[Line, ...]
    counts: tuple[tuple[str, int], ...]
