"""A function is called with the SPEC's parameters, and with events from a file."""

import json

import pytest

from harness.errors import TargetError
from harness.exact.process import ExactPlan
from harness.exact.tracing import trace_once
from harness.processes.subject import Subject
from tests.support.applications import adapted, answer, write

SOURCE = """
def two(a, b=1):
    return [a, b]
def one(event):
    return event
async def later(a):
    return a
"""


@pytest.fixture
def of(tmp_path):
    """Return a function from the name of a function and the lines of requests to its target."""

    def make(name, *lines, **parameters):
        path = write(tmp_path, SOURCE)
        if lines:
            file = tmp_path / "events.jsonl"
            file.write_text("".join(f"{json.dumps(one)}\n" for one in lines))
            parameters["requests"] = str(file)
        return adapted(f"call:{path}:{name}", **parameters)

    return make


def test_objects_that_fit_the_parameters_are_keyword_arguments(of):
    target = of("two", {"a": 1}, {"a": 2, "b": 3})
    assert target.operations == {"two": 2.0}
    assert answer(target) in ([1, 1], [2, 3])


def test_any_other_value_is_the_only_argument(of):
    assert answer(of("one", {"x": 1})) == {"x": 1}
    assert answer(of("two", [7], b="2")) == [[7], "2"]
    assert answer(of("one", {"path": "/x"})) == {"path": "/x"}


def test_entries_may_have_names_and_weights(of):
    target = of("two", {"operation": "large", "weight": 2, "event": {"a": 9}}, {"event": {"a": 1}})
    assert target.operations == {"large": 2.0, "two": 1.0}
    assert answer(target, "large") == [9, 1]


def test_async_functions_take_events_too(of):
    target = of("later", {"a": 1})
    assert target.is_async
    assert answer(target) == 1
    target.close()


def test_the_first_event_that_does_not_fit_is_named_with_its_line(of):
    with pytest.raises(TargetError, match=r"missing a required argument: 'a'.*events\.jsonl:2"):
        of("two", {"a": 1}, {"c": 1})
    with pytest.raises(TargetError, match=r"no object with the function's arguments.*events\.jsonl:2"):
        of("two", {"a": 1}, 7)


def test_a_function_that_lacks_arguments_is_refused_with_both_ways_to_give_them(of):
    with pytest.raises(TargetError, match=r"missing a required argument: 'a'.*requests=FILE"):
        of("two")


def test_values_without_requests_are_refused(of):
    with pytest.raises(TargetError, match="Give requests=FILE"):
        of("one", values="values.csv")


@pytest.mark.measures
def test_parameters_cost_no_allocation_in_exact_counts(supervisor, tmp_path):
    (tmp_path / "counted_shop.py").write_text("async def one(number='0'): return [number]")
    spec = f"call:{tmp_path}/counted_shop.py:one"
    plain, given = (
        trace_once(supervisor, Subject(spec, parameters), ExactPlan(requests=100), tmp_path / str(number))
        for number, parameters in enumerate(({}, {"number": "0"}))
    )
    # Keywords would be a dictionary for each call, whose memory CPython keeps.
    assert given.values["one"]["allocations"].value == plain.values["one"]["allocations"].value
    assert given.values["one"]["peak_bytes"].value == plain.values["one"]["peak_bytes"].value
