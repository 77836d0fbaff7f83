"""Build the view of an index: one line for each run or session, the newest first."""

from collections import Counter
from urllib.parse import quote

from harness.index.document import Entry, Index
from reports.index.model import IndexView, Line
from reports.shared.visible import short
from reports.shared.words import plural

_KINDS = {"load": "run", "micro": "bench", "session": "session"}
_TONES = {
    "regressed": "bad", "invalid": "bad", "unreadable": "bad", "inconclusive": "caution", "degraded": "caution",
    "unfinished": "caution", "interrupted": "caution", "ok": "good", "improved": "good", "valid": "good", "finished": "good",
}  # fmt: skip
_LONGEST_TITLE = 120
_LONGEST_NAME = 60
_LONGEST_REASON = 200


def build(index: Index, name: str) -> IndexView:
    """Return the view of the folder `name`."""
    lines = tuple(_line(entry) for entry in index.entries)
    counts = Counter(line.word for line in lines if line.word)
    return IndexView(
        title=f"Runs and sessions in {name}",
        sentence=_sentence(lines),
        lines=lines,
        counts=tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
    )


def _sentence(lines: tuple[Line, ...]) -> str:
    if not lines:
        return "There is no run and no session yet."
    bad = sum(line.tone == "bad" for line in lines)
    newest = lines[0]
    state = f" ({newest.word})" if newest.word else ""
    words = f"{plural(len(lines), 'run or session', 'runs and sessions')}; the newest: {newest.title or newest.name}{state}"
    return f"{words}; {bad} regressed, invalid or unreadable." if bad else f"{words}."


def _line(entry: Entry) -> Line:
    figures = tuple((short(name, _LONGEST_NAME), text) for name, text in entry.figures)
    words = [
        entry.name,
        entry.kind,
        _KINDS.get(entry.kind, ""),
        entry.title,
        entry.word,
        entry.started_at,
        entry.reason,
    ]
    return Line(
        name=entry.name,
        # A relative link of our own: a folder's name may hold any character.
        address=quote(entry.report) if entry.report else None,
        day=entry.started_at[:10],
        time=entry.started_at[11:16],
        kind=_KINDS.get(entry.kind, entry.kind),
        title=short(entry.title, _LONGEST_TITLE),
        word=entry.word,
        tone=_TONES.get(entry.word, ""),
        figures=figures,
        reason=short(entry.reason, _LONGEST_REASON),
        search=" ".join([*words, *(f"{name} {text}" for name, text in figures)]).lower(),
    )
