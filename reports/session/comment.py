"""Render a session as a comment on a pull request: GitHub-flavoured Markdown, regressions first, within the size limit.

GitHub accepts 65,536 characters. Lines that do not fit are left out from the end and counted.
"""

import dataclasses
from collections.abc import Iterator, Sequence

from harness.errors import ExitCode
from reports.session.model import Group, Line, SessionView
from reports.shared import markdown
from reports.shared.markdown import code, prose
from reports.shared.model import Table
from reports.shared.words import plural

MARKER = "<!-- asset-harness gate -->"
"""Invisible first line, by which a workflow finds its earlier comment."""
MOST_BYTES = 60_000
_RESERVED_BYTES = 2_500
"""Size reserved for the note on omitted lines, and the footer."""
_SHOWN_AT_ONCE = {"regressed", "invalid", "inconclusive", "accepted"}


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """A part that can be cut after any line; `what` names its lines in the count of omitted ones."""

    what: str
    opening: str
    lines: tuple[str, ...]
    closing: str = ""


def render_comment(view: SessionView) -> str:
    """Return the comment, of at most `MOST_BYTES` bytes in UTF-8."""
    heading = (
        f"interrupted, {view.verdict} so far" if view.exit_code is ExitCode.INTERRUPTED else view.verdict
    )
    opening = f"{MARKER}\n## Performance: {heading}\n\n**{prose(view.sentence)}**\n"
    sections = list(_sections(view))
    body, cut = _fitted(sections, MOST_BYTES - _RESERVED_BYTES - len(opening.encode()))
    return "\n".join(filter(None, (opening, body, _cut_words(cut), _footer(view))))


def _sections(view: SessionView) -> Iterator[Section]:
    if view.points:
        yield Section("reason", "", tuple(f"- {prose(point)}" for point in view.points))
    for group in view.told:
        yield _comparisons(group)
        if group.word in _SHOWN_AT_ONCE:
            yield from _explained(group)
    for table in view.suspects:
        yield _suspects(table, view.suspects_note)
    yield Section(
        "sentence", "<details><summary>How far to trust this</summary>\n", tuple(f"- {prose(one)}" for one in view.trust),
        "\n</details>",
    )  # fmt: skip
    if view.card is not None:
        yield _folded(
            "rate", view.card.title, view.card.table, " ".join((view.card.sentence, *view.card.notes))
        )


def _comparisons(group: Group) -> Section:
    head = markdown.head(
        "Verdict", "Benchmark", "Metric", ">Change", ">Interval", "Base → candidate", "Evidence"
    )
    rows = tuple(_row(line) for line in group.lines)
    if group.word in _SHOWN_AT_ONCE:
        return Section("comparison", f"### {group.title}\n\n{head}", rows, "")
    summary = f"<details><summary>{group.title} ({len(group.lines):,})</summary>\n\n{head}"
    return Section("comparison", summary, rows, "\n</details>")


def _row(line: Line) -> str:
    return markdown.row(
        line.word, code(line.benchmark), code(line.metric), prose(line.change), prose(line.interval),
        prose(line.values), prose(line.evidence),
    )  # fmt: skip


def _explained(group: Group) -> Iterator[Section]:
    notes = tuple(
        f"- {code(line.name)}: {prose('. '.join(line.points))}" for line in group.lines if line.points
    )
    if notes:
        yield Section("note", "", notes)
    for line in group.lines:
        if line.sites is not None:
            yield _folded("call site", line.sites.title, line.sites, "")


def _suspects(table: Table, note: str) -> Section:
    """Return the changed functions; where none could be named, a note on what is needed, without a table."""
    if table.rows:
        return _folded("function", table.title, table, note)
    return Section("note", "", (f"- {prose(table.title)}: {prose(' '.join(table.notes))}",))


def _folded(what: str, title: str, table: Table, note: str) -> Section:
    head, *lines = markdown.table_lines(table)
    summary = f"<details><summary>{prose(title)}</summary>"
    # Before the table: text directly after a row would become another row, and the end may be cut.
    opening = "\n\n".join((summary, *(prose(one) for one in (note, *table.notes) if one), head))
    return Section(what, opening, tuple(lines), "\n</details>")


def _fitted(sections: Sequence[Section], budget: int) -> tuple[str, dict[str, int]]:
    """Return the sections that fit into `budget` bytes, and the number of omitted lines by kind."""
    parts: list[str] = []
    cut: dict[str, int] = {}
    for section in sections:
        left = budget - _bytes(section.opening) - _bytes(section.closing)
        kept = []
        for line in section.lines:
            left -= _bytes(line)
            if left < 0:
                break
            kept.append(line)
        if hidden := len(section.lines) - len(kept):
            cut[section.what] = cut.get(section.what, 0) + hidden
        if kept:
            parts.append("\n".join(filter(None, (section.opening, *kept, section.closing))))
            budget = left
    return "\n\n".join(parts), cut


def _bytes(text: str) -> int:
    return len(text.encode()) + 2


def _cut_words(cut: dict[str, int]) -> str:
    if not cut:
        return ""
    words = ", ".join(plural(count, what) for what, count in cut.items())
    return f"\n**This comment is cut to fit: {words} more in the report.**\n"


def _footer(view: SessionView) -> str:
    report = view.links.report
    place = f"Full report: {code(report)}" if report else "No report was made; `harness judge` makes it"
    return f"\n{place}. Next, to {prose(view.next_command.why)}: {code(view.next_command.command)}\n"
