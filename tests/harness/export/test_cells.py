"""A text of others in a cell of CSV is a text, to a person and to a spreadsheet."""

import csv
import io

import pytest

from harness.cli import main
from harness.errors import ExitCode
from harness.export.cells import cell
from tests.support.run_builder import make_run


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /assets/{id}", "GET /assets/{id}"),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1", "' =1"),
        ("＝1", "'＝1"),  # noqa: RUF001 - full width is meant
        ("\t=1", "\\u0009=1"),
        ("\r=1", "\\u000d=1"),
        ("a\x1b[31mb\x00", "a\\u001b[31mb\\u0000"),
        ("a\nb", "a\\u000ab"),
    ],
)
def test_a_cell_is_never_a_formula_and_holds_nothing_unseen(text, shown):
    assert cell(text) == shown


def test_an_exported_table_has_one_line_for_each_second_and_operation_whatever_their_names(tmp_path):
    names = {'=HYPERLINK("http://x")': 0.5, "a\r\nb,c\x1b[2J": 0.3, "plain": 0.2}
    run = make_run(tmp_path, duration_s=2.0, rate_per_s=50.0, operations=names)
    assert main(["export", str(run)]) in {ExitCode.OK, ExitCode.INVALID}
    text = (run / "export" / "seconds.csv").read_text()
    assert all(line.isprintable() for line in text.split("\n"))
    rows = list(csv.reader(io.StringIO(text)))
    assert {len(row) for row in rows} == {10}
    assert {row[1] for row in rows[1:]} == {
        '\'=HYPERLINK("http://x")',
        "a\\u000d\\u000ab,c\\u001b[2J",
        "plain",
    }
