"""The hook for a target's own executors: work done for a call belongs to it, wherever it runs."""

from collections.abc import Callable, Mapping, Sequence
from typing import ParamSpec, TypeVar

import gevent

from harness.load.split import Owner, Split
from harness.marker import marked_any
from harness.model import Wrap

P = ParamSpec("P")
R = TypeVar("R")


def make_wrap(owners: Mapping[object, Owner], names: Sequence[str], split: Split | None) -> Wrap:
    """Return the hook: it binds a function to the operation (for profilers) and the call (for the split)."""

    def wrap(function: Callable[P, R], /) -> Callable[P, R]:
        owner = owners.get(gevent.getcurrent())
        if owner is None or owner.holder < 0:
            return function
        named = marked_any(function, names[owner.holder])
        return split.bind(named, gevent.getcurrent) if split else named

    return wrap
