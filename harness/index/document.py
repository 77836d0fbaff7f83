"""The contents of a folder of runs and sessions, as plain data."""

import msgspec

SCHEMA = 1


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One folder. `word` is its verdict or validity, `figures` are (name, text) of what matters most."""

    name: str
    kind: str
    started_at: str = ""
    title: str = ""
    word: str = ""
    exit_code: int | None = None
    figures: list[tuple[str, str]] = []
    reason: str = ""
    """Why it is not valid, or cannot be read."""
    report: str | None = None
    """Path of its page, relative to the parent."""
    stamp: str = ""
    """Sizes and times of the files that the entry was read from: while they are the same, so is the entry."""


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """All folders of the harness below a parent, the newest first."""

    schema: int = SCHEMA
    entries: list[Entry]
