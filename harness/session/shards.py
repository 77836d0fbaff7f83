"""Divide a suite among several sessions, each of which measures its share of the benchmarks.

The shares follow from the names alone, so that sessions on different machines agree on them without asking each other.
"""

import dataclasses
import hashlib
from collections.abc import Collection, Iterable

import msgspec

from harness.errors import UsageError
from harness.session.receipt import Shard
from harness.session.slots.discovery import Survey


def share_of(shard: Shard) -> frozenset[str]:
    """Return the benchmarks of a shard. The shares of all shards are disjoint, and differ by one benchmark at most in size.

    Benchmarks are dealt in the order of a digest of their names: neighbours in a suite, often the sizes of one
    benchmark, go to different shards.
    """
    dealt = sorted(set(shard.names), key=_digest)
    return frozenset(dealt[shard.number - 1 :: shard.count])


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()


def of_suite(shard: Shard, base: Survey, candidate: Survey, base_names: Iterable[str]) -> Shard:
    """Return the shard with the names of all benchmarks that any side lists; a file that cannot be imported is one name.

    Raises `UsageError` for more shards than benchmarks: a shard without any would be no evidence.
    """
    listed = {**base.files, **candidate.files}
    closed = candidate.errors.keys() - set(listed.values())
    names = sorted({*listed, *base_names, *closed})
    if names and len(names) < shard.count:
        raise UsageError(
            f"{shard.count} shards cannot divide a suite of {len(names)} benchmarks: some would measure nothing",
            remedy=f"Use at most {len(names)}: harness gate --shard 1/{len(names)}",
        )
    return msgspec.structs.replace(shard, names=names)


def only(share: Collection[str], *sides: Survey) -> tuple[Survey, ...]:
    """Return the listings of both sides without the benchmarks and files of other shares."""
    kept = {file for side in sides for name, file in side.files.items() if name in share} | set(share)
    return tuple(
        dataclasses.replace(
            side,
            files={name: file for name, file in side.files.items() if name in share},
            errors={file: why for file, why in side.errors.items() if file in kept},
            skipped={file: why for file, why in side.skipped.items() if file in kept},
        )
        for side in sides
    )
