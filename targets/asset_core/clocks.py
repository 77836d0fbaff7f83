"""The clocks of the core, passed in so that tests can control them."""

import dataclasses
import time
from collections.abc import Callable


@dataclasses.dataclass(frozen=True, slots=True)
class Clocks:
    """`monotonic` for spans and deadlines, `wall` for times shown or shared between processes. Both in seconds.

    `moves` is False for a stopped clock: work that waits for time to pass must not begin then.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    moves: bool = True

    @classmethod
    def stopped(cls) -> "Clocks":
        """Return clocks stopped at this moment: nothing expires, so that equal requests do equal work."""
        monotonic_s, wall_s = time.monotonic(), time.time()
        return cls(lambda: monotonic_s, lambda: wall_s, moves=False)


SYSTEM = Clocks()
