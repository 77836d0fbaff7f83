"""The report of imported results: what is there, what is not, and no verdict."""

from harness.imported.document import ImportedDocument, ImportedRow
from reports.micro import html
from reports.micro.imported import build


def run(source="a.jtl", tool="JMeter", **rows):
    made = [ImportedRow(name=name, count=10, p50_ns=ns) for name, ns in rows.items()]
    return source, ImportedDocument(
        tool=tool, source=source, source_sha256="0" * 64, started_at="2026-11-30T12:00:00+00:00",
        command="harness import", rows=made,
    )  # fmt: skip


def test_a_single_run_has_no_comparison():
    view = build([run(buy=1e6)])
    assert view.comparison is None
    (row,) = view.tables[0].rows
    assert (row.cells[0].value, row.cells[3].value, row.cells[5].text) == (10, 1e6, "–")


def test_several_stand_side_by_side_without_factors_and_what_one_lacks_is_missing():
    view = build([run(buy=1e6, look=2e6), run("b.csv", "k6", buy=9e6)])
    cells = {row.label: [cell.text for cell in row.cells] for row in view.comparison.rows}
    assert cells == {"buy": ["1 ms", "9 ms"], "look": ["2 ms", "–"]}
    assert not any(cell.ratio_text for row in view.comparison.rows for cell in row.cells)
    assert {row.label for row in view.differences.rows} == {"tool", "source"}


def test_two_files_of_one_name_have_labels_of_their_own():
    assert [card.label for card in build([run(), run()]).cards] == ["a.jtl #1", "a.jtl #2"]


def test_a_hostile_name_is_text_on_the_page():
    page = html.render(build([run(**{"<script>alert(1)</script>": 1.0})]))
    assert "<script>alert" not in page
