"""The text that a command prints: one screen with the answer, and the rest where `--verbose` asks for it."""

import io

import pytest

from harness.reading import summary
from harness.reading.judging import judge
from reports.run import text, view
from tests.support.cli import inside
from tests.support.run_builder import make_run

_SCREEN = 30
_MANY_OPERATIONS = {f"GET /{name}": 1 / 8 for name in "abcdefgh"}


@pytest.fixture
def two_runs(tmp_path):
    def make(**spec):
        base = make_run(tmp_path, operations=_MANY_OPERATIONS, **spec)
        other = make_run(tmp_path, operations=_MANY_OPERATIONS, variant="optimised", service_ms=0.5, **spec)
        return base, other

    return make


def printed(result):
    """Return all that a command printed: the answer, and where the page is."""
    return [*result.stdout.splitlines(), *result.stderr.splitlines()]


@pytest.mark.parametrize("spec", [{}, {"harness_lag_ms": 8.0}], ids=["valid", "invalid"])
def test_two_variants_are_told_on_one_screen(tmp_path, two_runs, spec):
    directories = two_runs(**spec)
    brief = printed(inside(tmp_path, "report", *directories, COLUMNS="80"))
    assert len(brief) <= _SCREEN
    joined = "\n".join(brief)
    for expected in ("Throughput", "Response p99 ", "Next: ", "Report: "):
        assert joined.count(expected) == 1


def test_verbose_prints_what_the_brief_text_leaves_out(tmp_path, two_runs):
    directories = two_runs()
    brief = inside(tmp_path, "report", *directories).stdout
    whole = inside(tmp_path, "report", *directories, "--verbose").stdout
    assert "Response times by operation" not in brief
    assert "Response times by operation" in whole
    assert len(whole.splitlines()) > _SCREEN


def test_a_brief_text_of_invalid_runs_says_why(two_runs):
    runs = [judge(summary.load(directory)) for directory in two_runs(harness_lag_ms=8.0)]
    stream = io.StringIO()
    text.render_brief(view.build(runs), stream)
    joined = " ".join(stream.getvalue().split())
    for run in runs:
        assert run.validity.reasons[0] in joined


def test_without_words_the_help_is_printed_and_the_code_is_that_of_a_usage_error(tmp_path):
    """As tools made with argparse do where a command is required: exit code 2."""
    bare = inside(tmp_path)
    assert bare.code == 2
    assert bare.stdout.startswith("usage: harness ")
    assert "\n    gate " in bare.stdout
    assert bare.stderr == ""
