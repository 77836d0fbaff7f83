"""Profile in interleaved rounds, the sides in turns: only then can a change of the code be told from drift of the machine."""

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """The sides of all rounds, in a random order drawn anew for each round."""

    def __init__(self, sides: Sequence[T], seed: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._sides = sides
        self._random = random.Random(seed)
        self._clock = clock

    def order(self) -> list[T]:
        """Return all sides in random order."""
        return self._random.sample(self._sides, k=len(self._sides))

    def rounds(self, most: int, most_s: float = math.inf) -> Iterator[int]:
        """Yield the number of each round, from 1; stop before a round that, as long as the longest, would end after `most_s`."""
        started_s, longest_s = self._clock(), 0.0
        for number in range(1, most + 1):
            began_s = self._clock()
            if began_s + longest_s > started_s + most_s:
                return
            yield number
            longest_s = max(longest_s, self._clock() - began_s)
