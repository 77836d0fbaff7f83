"""Which call runs here: what is carried into the greenlets and threads that a call of a load run starts."""

from collections.abc import Callable, Mapping, Sequence

import gevent

from harness.load.split import Owner, Split
from harness.profiles.stacks.marker import running
from harness.target.carrying import Runner


def make_here(
    owners: Mapping[object, Owner], names: Sequence[str], split: Split | None
) -> Callable[[], Runner | None]:
    """Return what says which call runs in this greenlet: its operation (for profilers) and the call (for the split)."""

    def here() -> Runner | None:
        owner = owners.get(gevent.getcurrent())
        if owner is None or owner.holder < 0:
            return None
        marker = running(names[owner.holder])
        return split.lend(owner, marker) if split else marker

    return here
