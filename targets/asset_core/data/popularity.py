"""Zipf popularity: few assets are requested often, most of them rarely."""

import bisect
import itertools
import random


class Zipf:
    """Draws numbers below `count`; the k-th most popular has weight 1 / k ** exponent. Ranks are shuffled by `seed`."""

    def __init__(self, count: int, exponent: float, seed: int) -> None:
        self._cumulative = list(itertools.accumulate(1.0 / rank**exponent for rank in range(1, count + 1)))
        self._by_rank = list(range(count))
        random.Random(f"{seed}/popularity").shuffle(self._by_rank)

    def number(self, rank: int) -> int:
        """Return the number of a rank, 0 being the most popular; ranks beyond the last number start over."""
        return self._by_rank[rank % len(self._by_rank)]

    def draw(self, rng: random.Random) -> int:
        """Return the next number."""
        point = rng.random() * self._cumulative[-1]
        return self._by_rank[min(bisect.bisect_right(self._cumulative, point), len(self._by_rank) - 1)]
