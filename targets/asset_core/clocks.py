"""The clocks of the core, passed in so that tests turn them by hand."""

import dataclasses
import time
from collections.abc import Callable


@dataclasses.dataclass(frozen=True, slots=True)
class Clocks:
    """`monotonic` for spans and deadlines, `wall` for what is shown or shared between processes. Both in seconds."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


SYSTEM = Clocks()
