"""The operation marker: names that survive both profilers, calls that change nothing."""

import sys
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.profiles.stacks.marker import MARKER_PREFIX, marked, marker_name, operation_of, running


def names_on_the_stack(_event=None):
    return [frame.name for frame in traceback.extract_stack()]


def test_the_stack_below_a_marked_call_names_the_operation():
    assert marker_name("GET /assets/{id}") in marked(names_on_the_stack, "GET /assets/{id}")({})


def test_the_qualified_name_is_the_operation_too():
    name = marked(lambda _: sys._getframe(1).f_code.co_qualname, "list")(None)
    assert name == "operation:list"


def test_two_operations_keep_their_own_names_and_functions():
    first, second = marked(lambda e: ("a", e), "one"), marked(lambda e: ("b", e), "two")
    assert (first(1), second(2)) == (("a", 1), ("b", 2))
    assert marked(names_on_the_stack, "one")(None) != marked(names_on_the_stack, "two")(None)


def test_results_and_exceptions_pass_through():
    assert marked(len, "size")([1, 2]) == 2
    with pytest.raises(ZeroDivisionError):
        marked(lambda n: 1 / n, "divide")(0)


def test_any_arguments_pass_through_to_work_of_another_thread():
    assert running("make")(dict, [("a", 1)], b=2) == {"a": 1, "b": 2}
    assert marker_name("make") in running("make")(names_on_the_stack)


@given(st.text(max_size=120))
def test_every_operation_is_read_back_from_its_marker(operation):
    assert operation_of(marker_name(operation)) == operation


@given(st.text())
def test_a_marker_never_breaks_a_line_a_stack_or_a_frame(operation):
    name = marker_name(operation)
    assert not set(name) & set(";(\n\r\x00\u2028")
    assert len(name.splitlines()) == 1
    name.encode()


def test_names_that_are_too_long_stay_short_and_different():
    first, second = marker_name(";" * 5000 + "a"), marker_name(";" * 5000 + "b")
    assert first != second
    assert len(first.encode()) < 4096


@pytest.mark.parametrize("name", ["call", "<module>", "K.operation", "operations:x", ""])
def test_other_functions_are_no_markers(name):
    assert operation_of(name) is None


def test_no_name_in_source_can_pass_for_a_marker():
    assert not MARKER_PREFIX.isidentifier()
