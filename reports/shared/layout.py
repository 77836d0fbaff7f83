"""Rearrange tables for readers: only repetition, or a whole column, is left out."""

import dataclasses
from collections.abc import Sequence

from reports.shared.model import Row, Table


def single_run(table: Table) -> Table:
    """Return a table of (item, run) rows without the run's label, which is the same in every row."""
    rows = tuple(
        dataclasses.replace(row, label=row.group, group="") if row.group else row for row in table.rows
    )
    return dataclasses.replace(table, rows=rows)


def grouped(table: Table) -> list[tuple[str, list[Row]]]:
    """Return the rows by group, in their order; rows without a group stand alone under an empty name."""
    groups: list[tuple[str, list[Row]]] = []
    for row in table.rows:
        if row.group and groups and groups[-1][0] == row.group:
            groups[-1][1].append(row)
        else:
            groups.append((row.group, [row]))
    return groups


def narrowed(table: Table, columns: Sequence[str], title: str) -> Table:
    """Return a table with only the given columns."""
    keep = [table.columns.index(name) for name in columns]
    rows = tuple(Row(row.label, tuple(row.cells[i] for i in keep), group=row.group) for row in table.rows)
    return Table(table.key, title, tuple(columns), rows, table.label_head)
