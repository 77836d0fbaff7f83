"""Facts of a process whose users are those of somebody's locustfile: its loop, its users, and what their events lacked."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec


class LoopLag(msgspec.Struct, frozen=True, kw_only=True):
    """Lateness of a timer of 10 ms in the client's loop, in ns: how long a response may wait there before it is seen."""

    beats: int = 0
    p50_ns: int = 0
    p99_ns: int = 0
    max_ns: int = 0


class Paced(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks of users with `constant_pacing` or `constant_throughput` in the measured time.

    `made` were started; `never_made` would have been due while a user still waited for an earlier one.
    """

    made: int = 0
    never_made: int = 0


class ClientFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of one process, or of all together."""

    loop_lag: LoopLag = LoopLag()
    started: int = 0
    """Users that were started."""
    lost: dict[str, int] = {}
    """Users that ended although nobody stopped them, by the reason."""
    paced: Paced | None = None
    """None without users that have a pace."""
    told: dict[str, int] = {}
    """Events with a time that the script measured itself, by operation."""
    untimed: dict[str, int] = {}
    """Events without a time or with a time of 0, by operation: counted, but in no percentile."""
    refused: dict[str, int] = {}
    """Events that could not be recorded, by the reason."""
    silent: int = 0
    """Requests that were answered, but whose outcome the script never told."""
    folded: dict[str, int] = {}
    """Number of names that became one operation, by operation; only those of several names."""
    names_left: int = 0
    """Calls of names beyond the limit; they are one operation."""


def merged(parts: Sequence[ClientFacts]) -> ClientFacts | None:
    """Return the facts of all processes: sums, and the worst loop."""
    if not parts:
        return None
    paced = [part.paced for part in parts if part.paced]

    def added(of: Callable[[ClientFacts], Mapping[str, int]]) -> dict[str, int]:
        total: Counter[str] = Counter()
        for part in parts:
            total.update(of(part))
        return dict(total)

    return ClientFacts(
        loop_lag=max((part.loop_lag for part in parts), key=lambda lag: lag.p99_ns),
        started=sum(part.started for part in parts),
        lost=added(lambda part: part.lost),
        paced=_sum(paced) if paced else None,
        told=added(lambda part: part.told),
        untimed=added(lambda part: part.untimed),
        refused=added(lambda part: part.refused),
        silent=sum(part.silent for part in parts),
        folded=added(lambda part: part.folded),
        names_left=sum(part.names_left for part in parts),
    )


def _sum(parts: Sequence[Paced]) -> Paced:
    return Paced(made=sum(one.made for one in parts), never_made=sum(one.never_made for one in parts))


def as_json(facts: ClientFacts | None) -> dict[str, Any] | None:
    """Return the facts for a run's JSON; None for a run without them."""
    return None if facts is None else msgspec.to_builtins(facts)
