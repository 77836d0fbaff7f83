"""Workloads of two threads: each hashes or compresses a large buffer, without the interpreter's lock.

A module of a calibration's project, which uses only the standard library. The candidate of a trial does the same in turn.
"""

import hashlib
import random
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_BUFFERS = [random.Random(seed).randbytes(500_000) * 4 for seed in (1, 2)]
_POOL = ThreadPoolExecutor(2)


def _of_both(work: Callable[[bytes], Any], size: int) -> list[Any]:
    return list(_POOL.map(work, [buffer[:size] for buffer in _BUFFERS]))


WORK: dict[str, Callable[[], Any]] = {
    "sha256": lambda: _of_both(lambda data: hashlib.sha256(data).digest(), 2_000_000),
    "sha512": lambda: _of_both(lambda data: hashlib.sha512(data).digest(), 2_000_000),
    "blake2b": lambda: _of_both(lambda data: hashlib.blake2b(data).digest(), 2_000_000),
    "sha3": lambda: _of_both(lambda data: hashlib.sha3_256(data).digest(), 1_000_000),
    "compress": lambda: _of_both(lambda data: zlib.compress(data, 1), 200_000),
}
"""Workloads by name."""
