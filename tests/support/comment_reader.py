"""Reads Markdown as GitHub does: tables, HTML blocks, and what of the text is code."""

import dataclasses
import itertools
from html.parser import HTMLParser

from markdown_it import MarkdownIt


@dataclasses.dataclass
class Page:
    """Elements, rows of tables as texts, and the text that is not code."""

    tags: set
    rows: list
    prose: str


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.rows, self.prose, self._code, self._in_cell = set(), [], [], 0, False

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self._code += tag == "code"
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag):
        self._code -= tag == "code"
        self._in_cell = self._in_cell and tag != "td"

    def handle_data(self, data):
        if self._in_cell:
            self.rows[-1][-1] += data
        if not self._code:
            self.prose.append(data)


def stray_rows(text):
    """Return the lines that GitHub takes for rows of a table, or for no table, because an empty line is missing."""
    lines = text.split("\n")
    pairs = itertools.pairwise(lines)
    return [after for before, after in pairs if before and after and (before[0] == "|") != (after[0] == "|")]


def read(text):
    """Return what a reader of the comment meets."""
    assert stray_rows(text) == []
    reader = _Reader()
    reader.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))
    rows = [[cell.strip() for cell in row] for row in reader.rows if row]
    return Page(reader.tags, rows, "".join(reader.prose))
