"""Sentences on failures: the most frequent kinds, how many others there are, and the way out where the loop is the cause."""

from types import SimpleNamespace

import pytest

from harness.model import Engine
from harness.target.failures import Failure
from reports.run.engine import engine_facts
from reports.run.failures import commonest_failures


def side(*failures, engine=Engine.ASYNCIO, **facts):
    facts = SimpleNamespace(failures=failures, engine=engine, is_remote=False, **facts)
    return SimpleNamespace(run=SimpleNamespace(facts=facts))


def failure(count, example=""):
    return Failure(operation="buy", outcome="failed", what="RuntimeError", example=example, count=count)


def test_failures_of_the_other_kinds_are_counted():
    assert list(commonest_failures(side(failure(9), failure(5), failure(3), failure(1)), 2)) == [
        "9 × RuntimeError from buy",
        "5 × RuntimeError from buy",
        "4 of 2 other kinds: the report lists them",
    ]
    assert len(list(commonest_failures(side(failure(9), failure(5)), 2))) == 2


@pytest.mark.parametrize(
    ("message", "way"),
    [
        ("asyncio.run() cannot be called from a running event loop", "await the coroutine"),
        ("This event loop is already running", "await the coroutine"),
        ("Cannot run the event loop while another loop is running", "await the coroutine"),
        ("must be called from async context", "trio.run, with --engine threads"),
    ],
)
def test_a_failure_that_the_loop_around_the_call_explains_has_a_way_out(message, way):
    (sentence,) = commonest_failures(side(failure(9, message)), 1)
    assert way in sentence
    (elsewhere,) = commonest_failures(side(failure(9, message), engine=Engine.THREADS), 1)
    assert elsewhere.endswith(message)


def test_a_process_that_was_killed_does_not_claim_to_have_had_no_threads():
    killed = side(engine=Engine.THREADS, threads=0, thread_cpu={}, left_running=0, in_threads={})
    ((_, sentence), *_) = engine_facts(killed)
    assert sentence.startswith("driven by the threads engine: ")
