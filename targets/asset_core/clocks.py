"""The clocks of the core, passed in so that tests turn them by hand."""

import dataclasses
import time
from collections.abc import Callable


@dataclasses.dataclass(frozen=True, slots=True)
class Clocks:
    """`monotonic` for spans and deadlines, `wall` for what is shown or shared between processes. Both in seconds.

    `moves` is False where time stands still: then nothing is to be begun that waits for it to pass.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    moves: bool = True

    @classmethod
    def stopped(cls) -> "Clocks":
        """Return clocks that show this moment for ever: nothing expires, so that equal requests do equal work."""
        monotonic_s, wall_s = time.monotonic(), time.time()
        return cls(lambda: monotonic_s, lambda: wall_s, moves=False)


SYSTEM = Clocks()
