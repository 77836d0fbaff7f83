"""The terminal report: the same numbers as the view, in 80 columns, plain where no terminal is."""

import io

import pytest

from harness.reading import summary
from harness.reading.judging import judge
from reports.run import text, view
from tests.support.run_builder import make_run


@pytest.fixture
def printed(tmp_path):
    def show(*specs, width=80):
        shown = view.build([judge(summary.load(make_run(tmp_path, **spec))) for spec in specs])
        stream = io.StringIO()
        text.render(shown, stream, width)
        return shown, stream.getvalue()

    return show


def test_the_verdict_comes_first_and_the_next_command_last(printed):
    shown, output = printed({}, {"variant": "optimised", "service_ms": 0.5})
    joined = " ".join(output.split())
    assert joined.index(shown.verdict.sentence) < joined.index("The runs side by side")
    assert output.rstrip().endswith(shown.next_command.command)


def test_every_number_of_the_comparison_is_printed(printed):
    shown, output = printed({}, {"variant": "optimised", "service_ms": 0.5})
    for row in shown.comparison.rows:
        (line,) = [line for line in output.splitlines() if line.startswith(f"{row.label} ")]
        for cell in row.cells:
            assert cell.text in line
            assert cell.ratio_text in line


@pytest.mark.parametrize("width", [80, 60])
def test_no_line_but_a_command_is_wider_than_asked(printed, width):
    _, output = printed({}, {"variant": "optimised", "service_ms": 0.5, "harness_lag_ms": 9.0}, width=width)
    wide = [line for line in output.splitlines() if len(line) > width]
    assert all(line.startswith("  harness ") for line in wide)
    sentences = output.partition("The runs side by side")[0].splitlines()
    assert not [line for line in sentences if line != line.rstrip()]
    first = next(place for place, line in enumerate(sentences) if line.startswith("  - Calls started late"))
    assert sentences[first + 1].startswith("  ")


def test_a_stream_that_is_no_terminal_gets_no_escape_codes(printed):
    _, output = printed({})
    assert "\x1b" not in output


def test_an_invalid_run_says_why_and_shows_no_latency(printed):
    _, output = printed({"harness_lag_ms": 8.0})
    assert "is invalid" in output
    assert "withheld" in output
    (line,) = [line for line in output.splitlines() if line.startswith("Response p50")]
    assert "ms" not in line


def test_names_that_look_like_markup_or_controls_are_printed_as_they_are_or_not_at_all(printed):
    _, output = printed({"variant": "[red]x[/red]", "operations": {"[bold]\x1b[31m{x}": 0.5, "b": 0.5}})
    assert "[red]x[/red]" in output
    assert "[bold]" in output
    assert "\x1b" not in output


def test_with_three_runs_a_change_names_its_run(printed):
    faster = {"service_ms": 0.5}
    _, output = printed({}, {"variant": "second", **faster}, {"variant": "third", **faster})
    changes = output.partition("What changed")[2].splitlines()[1:6]
    assert all(line.startswith(("  second, ", "  third, ")) for line in changes)
