"""Read from a store as fast as possible, in one client process: `python -P -m targets.backends.client STORE`.

It finds the store through its environment and describes its read in a JSON line. Then each line `SECONDS THREADS`
on its standard input is one round, answered by a JSON line; the end of the input ends the process.
"""

import concurrent.futures
import json
import sys
import time
from collections.abc import Mapping
from os import environ
from typing import Any

from targets.backends.dynamodb import DynamoReader
from targets.backends.graph import GraphReader
from targets.backends.redis import RedisReader
from targets.backends.server import MakesReader, Reader

READERS: Mapping[str, MakesReader] = {"dynamodb": DynamoReader, "neo4j": GraphReader, "redis": RedisReader}


def main() -> None:
    """Run rounds until the standard input ends."""
    reader = READERS[sys.argv[1]](environ)
    try:
        with reader.open() as read:
            read()
        _say({"what": reader.what})
        for line in sys.stdin:
            seconds, threads = line.split()
            _say(_round(reader, float(seconds), int(threads)))
    finally:
        reader.close()


def _round(reader: Reader, seconds: float, threads: int) -> dict[str, float]:
    cpu_before_s, began_s = time.process_time(), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        calls = sum(pool.map(_read_until, [reader] * threads, [began_s + seconds] * threads))
    return {
        "calls": calls,
        "elapsed_s": time.monotonic() - began_s,
        "cpu_s": time.process_time() - cpu_before_s,
    }


def _read_until(reader: Reader, end_s: float) -> int:
    calls = 0
    with reader.open() as read:
        while time.monotonic() < end_s:
            read()
            calls += 1
    return calls


def _say(message: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
