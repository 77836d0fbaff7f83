"""Twenty workloads from 20 µs to 5 ms, as micro-benchmarks for calibration.

A pytest file, named on the command line, that uses only the standard library, so that it is the same everywhere.
The environment variable `CALIBRATION_SPINS`, `{name: loops}` as JSON, adds a known amount of work to each call.
"""

import bisect
import collections
import dataclasses
import datetime as dt
import decimal
import hashlib
import heapq
import itertools
import json
import os
import random
import re
import struct
import zlib
from collections.abc import Callable
from typing import Any

_RNG = random.Random(20_240_229)
_NUMBERS = [_RNG.randrange(1_000_000) for _ in range(20_000)]
_WORDS = ["".join(_RNG.choices("abcdefghij", k=7)) for _ in range(3_000)]
_TEXT = " ".join(_WORDS)
_RECORDS = [
    {"id": f"asset-{index}", "score": index * 37 % 100 / 10, "tags": _WORDS[index : index + 3]}
    for index in range(400)
]
_DOCUMENT = json.dumps(_RECORDS[:100])
_BYTES = bytes(number % 251 for number in _NUMBERS)
_DAYS = [day for day in range(1, 30) for _ in range(20)]
_PATTERN = re.compile(r"([a-e]{2,})([f-j]+)")


@dataclasses.dataclass(frozen=True, slots=True)
class _Point:
    x: int
    y: int


class _Node:
    def __init__(self, depth: int) -> None:
        self.children = [_Node(depth - 1), _Node(depth - 1)] if depth else []

    def count(self) -> int:
        return 1 + sum(child.count() for child in self.children)


def _fibonacci(number: int) -> int:
    return number if number < 2 else _fibonacci(number - 1) + _fibonacci(number - 2)


def _primes(below: int) -> int:
    sieve = bytearray([1]) * below
    for number in range(2, int(below**0.5) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, below, number)))
    return sum(sieve) - 2


def _moving_average(window: int) -> float:
    recent: collections.deque[int] = collections.deque(maxlen=window)
    total = 0.0
    for number in _NUMBERS[:8_000]:
        recent.append(number)
        total += recent[0] - recent[-1]
    return total


WORK: dict[str, Callable[[], Any]] = {
    "struct_pack": lambda: [
        struct.pack("<100Q", *_NUMBERS[start : start + 100]) for start in range(0, 2_400, 100)
    ],
    "sha256": lambda: hashlib.sha256(_BYTES * 2).hexdigest(),
    "attribute_calls": lambda: _Node(5).count(),
    "list_comprehension": lambda: [number * 3 + 1 for number in _NUMBERS[:800] if number & 1],
    "bisect": lambda: [bisect.bisect(_NUMBERS, number) for number in range(0, 100_000, 400)],
    "json_loads": lambda: json.loads(_DOCUMENT),
    "fibonacci": lambda: _fibonacci(15),
    "dict_build": lambda: {word: index for index, word in enumerate(_WORDS[:2_000])},
    "decimal": lambda: sum((decimal.Decimal(number) / 7 for number in _NUMBERS[:400]), decimal.Decimal(0)),
    "product": lambda: sum(a * b for a, b in itertools.product(range(60), repeat=2)),
    "primes": lambda: _primes(30_000),
    "dates": lambda: [dt.datetime.fromisoformat(f"2024-02-{day:02}T10:00:00+00:00") for day in _DAYS],
    "dataclasses": lambda: sum(point.x for point in [_Point(number, 1) for number in _NUMBERS[:800]]),
    "format": lambda: [f"{index:>8}|{number:08.2f}" for index, number in enumerate(_NUMBERS[:900])],
    "heap": lambda: [*heapq.nsmallest(200, _NUMBERS[:8_000]), *heapq.merge(_WORDS[:800], _WORDS[800:1_600])],
    "moving_average": lambda: _moving_average(50),
    "regular_expression": lambda: _PATTERN.sub(r"\2-\1", _TEXT[:12_000]),
    "json_dumps": lambda: json.dumps(_RECORDS * 4, sort_keys=True),
    "sort": lambda: sorted(_NUMBERS, key=lambda number: number % 1_009),
    "compress": lambda: zlib.compress(repr(_NUMBERS[:9_000]).encode(), 6),
}
"""Workloads by name, the fastest first."""


def _slower(work: Callable[[], Any], spins: int) -> Callable[[], Any]:
    def slower() -> Any:
        result = work()
        # The loop of a slot, on which a turn was timed: `range` would make each turn take longer.
        for _ in itertools.repeat(None, spins):
            pass
        return result

    return slower


def pytest_generate_tests(metafunc: Any) -> None:
    """Make one benchmark of each workload: a hook, so that users of the names need not import pytest."""
    metafunc.parametrize("name", WORK)


def test_work(benchmark: Any, name: str) -> None:
    """Measure one workload, with the added work."""
    spins = json.loads(os.environ.get("CALIBRATION_SPINS", "{}"))
    # Both sides get the wrapper where either is slowed: the base with zero loops.
    work = _slower(WORK[name], spins[name]) if name in spins else WORK[name]
    assert benchmark(work) is not None
