"""One user of the exact drivers: failures of every kind are counted, and promises are refused."""

import asyncio

import pytest

from harness.errors import RefusedError
from harness.processes.one_user import OneUser
from harness.target.carrying import Carrier
from harness.target.loading import LoadedTarget


def user_of(call):
    nothing = dict.fromkeys(
        ("open", "close", "counters", "instrument", "record_sites", "sites"), lambda *_: None
    )
    return OneUser(
        LoadedTarget(call=call, operations={"read": 1.0}, make_event=lambda *_: None, judge=None, **nothing),
        Carrier(),
    )


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), SystemExit(1), GeneratorExit(), asyncio.CancelledError(), pytest.fail.Exception("no")],
)
def test_whatever_a_call_raises_is_a_failure(error):
    def call(event):
        if event:
            raise error

    (failure,) = user_of(call).make_all([("read", 0), ("read", 1), ("read", 0), ("read", 1)])
    assert (failure.operation, failure.count) == ("read", 2)
    assert failure.what.endswith(type(error).__qualname__)


def test_a_promise_is_refused_whenever_it_comes():
    user = user_of(lambda event: iter([event]) if event > 3 else event)
    assert user.make_all(("read", number) for number in range(4)) == []
    with pytest.raises(RefusedError, match="returned an iterator for operation 'read'"):
        user.make_all([("read", 4)])
