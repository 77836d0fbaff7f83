"""Parts of the views of all reports: cells, rows and tables, the colour of a headline, the next command.

A cell carries the number and its text, so that tests read numbers and every renderer prints the same text.
"""

import dataclasses
import enum


class Tone(enum.StrEnum):
    """Meaning of a cell or a sentence; always stated in words too, never by colour alone."""

    PLAIN = ""
    BETTER = "better"
    WORSE = "worse"
    DIFFERENT = "different"
    """Beyond the caution factor, for a metric where neither direction is better."""
    SIMILAR = "similar"
    """Within the caution factor: below the detection limit."""
    MISSING = "missing"


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One value of a table. `ratio` is against the first run; `note` is the reason for a missing value."""

    text: str
    value: float | None = None
    ratio: float | None = None
    ratio_text: str = ""
    tone: Tone = Tone.PLAIN
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A named share of a bar: `share` of one, `text` its absolute value."""

    key: str
    label: str
    share: float
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A labelled line of cells; `group` is a label that several rows share, `bar` a division of the whole.

    `hint` explains the label, on a line of its own; `mark` is one word beside it.
    """

    label: str
    cells: tuple[Cell, ...]
    group: str = ""
    hint: str = ""
    bar: tuple[Part, ...] = ()
    mark: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """A table with the head of each column after the label's; every row has as many cells as `columns`."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    label_head: str = ""
    notes: tuple[str, ...] = ()
    numeric: bool = True
    prose: tuple[str, ...] = ()
    """Heads of the text columns of a numeric table, which are left-aligned and may wrap."""

    @property
    def changes(self) -> tuple[bool, ...]:
        """For each column, true if any row has its difference from the first one."""
        cells = zip(*(row.cells for row in self.rows), strict=True)
        return tuple(any(cell.ratio_text for cell in column) for column in cells)


class Status(enum.StrEnum):
    """The colour of the headline."""

    GOOD = "good"
    CAUTION = "caution"
    BAD = "bad"


@dataclasses.dataclass(frozen=True, slots=True)
class NextCommand:
    """The next command worth typing, and why."""

    command: str
    why: str
