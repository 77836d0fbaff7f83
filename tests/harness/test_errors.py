"""Errors: one sentence each, one exit code each, and one code that stands for several."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import errors
from harness.errors import ExitCode, HarnessError, worst

IN_ORDER = [130, 1, 2, 3, 5, 4, 0]


@given(st.lists(st.sampled_from(ExitCode)))
def test_the_worst_code_is_the_first_in_the_order(codes):
    expected = next((code for code in IN_ORDER if code in codes), 0)
    assert worst(codes) == expected
    assert worst(reversed(codes)) is worst(iter(codes))


@pytest.mark.parametrize(("worse", "better"), list(itertools.pairwise(IN_ORDER)))
def test_each_code_outweighs_the_next(worse, better):
    assert worst([ExitCode(better), ExitCode(worse)]) == worse


def test_nothing_went_wrong_where_nothing_was_said():
    assert worst([]) is ExitCode.OK


def test_every_code_has_a_place_in_the_order():
    assert sorted(IN_ORDER) == sorted(ExitCode)
    assert all(worst([code]) is code for code in ExitCode)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("HarnessError", 1),
        ("UsageError", 2),
        ("TargetError", 2),
        ("InvalidRunError", 5),
        ("ServerError", 1),
    ],
)
def test_each_error_ends_the_process_with_its_own_code(kind, code):
    error = getattr(errors, kind)("What happened")
    assert isinstance(error, HarnessError)
    assert error.exit_code == code


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({}, "What happened"),
        ({"where": "file:3"}, "What happened (file:3)"),
        ({"remedy": "Do this"}, "What happened. Do this"),
        ({"where": "file:3", "remedy": "Do this"}, "What happened (file:3). Do this"),
    ],
)
def test_an_error_reads_as_what_where_and_what_to_do(parts, sentence):
    assert str(HarnessError("What happened", **parts)) == sentence
