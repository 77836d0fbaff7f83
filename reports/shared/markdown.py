"""Escape texts for GitHub-flavoured Markdown: without markup, mentions, links or line breaks.

A character reference keeps a character from the Markdown parser. Mentions, issue numbers and bare links are found
after it, in the text of the page, but never in code: names are written as code, and in prose a zero-width space
breaks them.
"""

import re

from reports.shared.layout import grouped
from reports.shared.model import Table
from reports.shared.visible import short

_PLAIN_CODE = re.compile(r"[^`|\\\s](?:[^`|\\]*[^`|\\\s])?")
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>&|~#!$^@:=+-]|(?<=[wW]{3})\.")
_PROSE_SPECIAL = re.compile(r"[\\`*_\[\]<>&|~$^]")
_FOUND_LATER = re.compile(r"(?<=[@#])|(?<=gh)(?=-\d)|(?<=www)(?=\.)|(?<=:)(?=//)", re.IGNORECASE)
_LIST_START = re.compile(r"\A(?:[-+=#]+(?=\s|\Z)|\d+(?=[.)](?:\s|\Z)))")
_NO_WIDTH = "&#8203;"
_LONGEST = 200
_LONGEST_PROSE = 1000


def code(text: str) -> str:
    """Return a name as code, shortened if it is too long to read."""
    text = short(text, _LONGEST)
    if _PLAIN_CODE.fullmatch(text):
        return f"`{text}`"
    return f"<code>{_SPECIAL.sub(_reference, text)}</code>"


def prose(text: str) -> str:
    """Return a sentence as text, on one line."""
    marked = _FOUND_LATER.sub("\0", short(text.strip(), _LONGEST_PROSE))
    escaped = _LIST_START.sub(_references, _PROSE_SPECIAL.sub(_reference, marked))
    # GitHub's own way to write a dollar that begins no formula.
    return escaped.replace("\0", _NO_WIDTH).replace("&#36;", "<span>&#36;</span>")


def row(*cells: str) -> str:
    """Return a line of a table; the cells are Markdown already."""
    return f"| {' | '.join(cells)} |"


def head(*columns: str) -> str:
    """Return the head of a table; a column whose name begins with `>` stands to the right."""
    names = row(*(column.removeprefix(">") for column in columns))
    return f"{names}\n{row(*('---:' if column.startswith('>') else '---' for column in columns))}"


def table(shown: Table) -> str:
    """Return a whole table with its notes below it, each a paragraph of its own: the line after a row is another row."""
    return "\n\n".join(("\n".join(table_lines(shown)), *map(prose, shown.notes)))


def table_lines(shown: Table) -> list[str]:
    """Return head and rows of a table: labels as code, cells as prose, each group under a line with its name."""
    align = ">" if shown.numeric else ""
    lines = [head(prose(shown.label_head), *(align + prose(column) for column in shown.columns))]
    for group, rows in grouped(shown):
        if group:
            lines.append(row(f"**{prose(group)}**", *("" for _ in shown.columns)))
        lines += [row(code(one.label), *(prose(cell.text) for cell in one.cells)) for one in rows]
    return lines


def _reference(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"


def _references(found: re.Match[str]) -> str:
    return "".join(f"&#{ord(character)};" for character in found[0])
