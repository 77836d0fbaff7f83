"""Find the running call, which is carried into the greenlets and threads that a call of a load run starts."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.load.owner import Owner
from harness.profiles.stacks.marker import running
from harness.target.carrying import Runner

if TYPE_CHECKING:
    from harness.load.stretches import Stretches


def make_here(
    owners: Mapping[object, Owner],
    names: Sequence[str],
    split: "Stretches | None",
    current: Callable[[], object],
) -> Callable[[], Runner | None]:
    """Return the function that finds the running call: its operation (for profilers) and the call (for the split).

    `current` returns the running greenlet or task, the key of `owners`.
    """

    def here() -> Runner | None:
        owner = owners.get(current())
        if owner is None or owner.holder < 0:
            return None
        marker = running(names[owner.holder])
        return split.lend(owner, marker) if split else marker

    return here
