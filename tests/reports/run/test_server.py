"""What the server under test used, on the terminal and on the page."""

from harness.reading import summary
from harness.reading.judging import judge
from reports.run import view
from tests.support.run_builder import make_run, served
from tests.support.shown import told

MIB = 2**20
GROWING = [(50 + place) * MIB for place in range(40)]


def built(tmp_path, *servers):
    return view.build(
        [
            judge(summary.load(make_run(tmp_path, variant=f"v{number}", served=one)))
            for number, one in enumerate(servers)
        ]
    )


def test_the_table_has_every_resource_of_the_server(tmp_path):
    table = built(tmp_path, served([50 * MIB] * 39 + [60 * MIB])).server
    texts = {row.label: row.cells[0].text for row in table.rows}
    assert texts == {
        "start until ready": "500 ms",
        "CPU time": "5 s",
        "processors in use": "0.5",
        "CPU time per request": "2.5 ms",
        "memory": "50 MiB → 60 MiB",
        "descriptors": "7",
        "threads": "1",
        "processes": "1",
    }


def test_a_run_beside_one_with_a_server_has_dashes(tmp_path):
    shown = built(tmp_path, served([50 * MIB] * 40), None)
    assert all(row.cells[1].text == "–" for row in shown.server.rows)
    assert [len(chart.plot.series) for chart in shown.charts if chart.key.startswith("server")] == [1, 1]


def test_without_a_server_nothing_is_shown(tmp_path):
    shown = built(tmp_path, None)
    assert not shown.server.rows
    assert not [chart for chart in shown.charts if chart.key.startswith("server")]


def test_growing_memory_is_said_on_the_terminal_and_beside_the_table(tmp_path):
    _, text = told(make_run(tmp_path, served=served(GROWING)), width=200)
    assert "memory grew throughout the measured time" in text
    assert "What the server used" in text
    assert "it may leak." in built(tmp_path, served(GROWING)).server.notes[0]
