"""The slowest calls of a run name their traces, where the target was told of them."""

import msgspec

from harness.reading.judging import judge
from harness.reading.parts import slowest_calls
from harness.reading.summary import load
from harness.run.directory import RunDirectory
from reports.run import html, view
from tests.support.run_builder import make_run


def shown_of(path):
    return view.build([judge(load(path))])


def test_the_trace_of_each_slow_call_is_a_column_of_a_traced_run_alone(tmp_path):
    path = make_run(tmp_path)
    assert "trace" not in shown_of(path).slowest[0].columns
    directory = RunDirectory(path)
    directory.write(msgspec.structs.replace(directory.read(), traceparent=True))
    shown = shown_of(path)
    (table,) = shown.slowest
    assert table.columns[-1] == "trace"
    traces = [call.trace_id for call in slowest_calls(load(path))]
    assert [row.cells[-1].text for row in table.rows] == traces
    assert len(set(traces)) == 10
    assert traces[0] in html.render(shown)
