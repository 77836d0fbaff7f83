"""Profiles in rounds, the sides in turns: only profiles that were made in between one another tell code from the day."""

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """The sides of all rounds, in an order that is drawn anew each time."""

    def __init__(self, sides: Sequence[T], seed: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._sides = sides
        self._random = random.Random(seed)
        self._clock = clock

    def order(self) -> list[T]:
        """Return all sides in random order."""
        return self._random.sample(self._sides, k=len(self._sides))

    def rounds(self, most: int, most_s: float = math.inf) -> Iterator[int]:
        """Yield the number of each round, from 1; none begins that would end after `most_s` if it took as long as the longest."""
        started_s, longest_s = self._clock(), 0.0
        for number in range(1, most + 1):
            began_s = self._clock()
            if began_s + longest_s > started_s + most_s:
                return
            yield number
            longest_s = max(longest_s, self._clock() - began_s)
