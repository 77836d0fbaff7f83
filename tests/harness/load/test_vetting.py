"""What a call let out, told from what ended its greenlet and from what only gevent's patches made it raise."""

import asyncio

import gevent
import pytest
from greenlet import greenlet

from harness.errors import HarnessError, RefusedError
from harness.load.trouble import as_trouble
from harness.load.vetting import Vetting

OVERLAPPING = [
    RuntimeError("asyncio.run() cannot be called from a running event loop"),
    RuntimeError("Runner.run() cannot be called from a running event loop"),
    RuntimeError("This event loop is already running"),
    RuntimeError("Cannot run the event loop while another loop is running"),
    RuntimeError("Already running asyncio in this thread"),
    RuntimeError(
        "You cannot use AsyncToSync in the same thread as an async event loop - just await the async function directly."
    ),
]


async def vet(error):
    """Vet in a thread in which a loop is running, as another call has left it."""
    Vetting()(error)


@pytest.mark.parametrize("error", OVERLAPPING, ids=str)
def test_a_loop_beside_the_loop_of_another_call_is_refused(error):
    with pytest.raises(
        RefusedError, match=r"Overlapping calls cannot each run an asyncio event loop.*engine=threads"
    ):
        asyncio.run(vet(error))


@pytest.mark.parametrize("error", OVERLAPPING, ids=str)
def test_the_same_words_without_another_loop_are_a_fault_of_the_target(error):
    Vetting()(error)


def test_a_loop_that_only_other_failures_meet_is_no_reason():
    asyncio.run(vet(RuntimeError("no luck")))
    asyncio.run(vet(ValueError()))
    asyncio.run(vet(KeyError(3)))


def test_what_a_library_made_of_the_refusal_is_seen_through():
    error = ConnectionError("no answer")
    error.__cause__ = OVERLAPPING[0]
    with pytest.raises(RefusedError):
        asyncio.run(vet(error))
    error.__cause__ = error
    Vetting()(error)


def test_what_the_patches_take_away_is_no_failure_of_the_target():
    with pytest.raises(RefusedError, match="as trio does"):
        Vetting()(AttributeError("module 'select' has no attribute 'epoll'"))
    Vetting()(AttributeError("'Shop' object has no attribute 'epoll'"))


def test_a_refusal_passes_through():
    with pytest.raises(RefusedError, match="never"):
        Vetting()(RefusedError("never"))


def test_an_end_that_the_target_made_itself_is_its_own():
    Vetting()(gevent.GreenletExit())
    Vetting()(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        Vetting(interruptible=True)(KeyboardInterrupt())


def test_what_the_driver_kills_has_no_outcome_whatever_the_call_makes_of_it():
    vetting, seen = Vetting(), []

    def call():
        try:
            gevent.sleep(60)
        except BaseException as error:
            raise RuntimeError("it was interrupted") from error

    def work():
        try:
            call()
        except BaseException as error:
            try:
                vetting(error)
            finally:
                seen.append(error)

    one = gevent.spawn(work)
    gevent.sleep(0)
    vetting.kill([one])
    assert isinstance(one.value, gevent.GreenletExit)
    assert len(seen) == 1
    assert isinstance(one, greenlet)


def test_a_fault_of_the_driver_is_told_as_one():
    refused = RefusedError("never")
    assert as_trouble(refused) is refused
    assert isinstance(as_trouble(TypeError("unhashable")), HarnessError)
    assert "The driver failed: TypeError: unhashable" in str(as_trouble(TypeError("unhashable")))
