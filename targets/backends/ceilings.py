"""Measure the capacity of each store: the highest rate of its basic read, found by several client processes.

A run above the capacity of its servers measures the servers. The clients run on the same machine, and
a Python client may be slower than the server: `Ceiling.limit` tells which of them was the bottleneck.
"""

import dataclasses
import enum
import os
from collections.abc import Iterable, Iterator, Mapping

from harness.supervise import Supervisor, private_folder
from targets.backends.clients import Clients, Round

STORES = ("dynamodb", "neo4j", "redis")

_SHAPES = ((1, 1), (1, 4), (2, 1), (2, 4))
"""Client processes and threads in each: the fastest combination depends on store and machine."""
_WARM_ROUND_S = 0.25
_WARM_ENOUGH = 1.05
_BUSY = 0.85


class Bottleneck(enum.StrEnum):
    """The component that limited the rate."""

    SERVER = "server"
    CLIENTS = "clients"
    MACHINE = "machine"


_IN_WORDS = {
    Bottleneck.SERVER: "the server was the limit",
    Bottleneck.CLIENTS: "the clients' own speed was the limit, so the server may give more",
    Bottleneck.MACHINE: "all processors were busy, so a larger or quieter machine may give more",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Ceiling:
    """The highest measured rate of one store's basic read, with the number of clients used."""

    rate_per_s: float
    what: str
    clients: int
    limit: Bottleneck


def probe(
    environment: Mapping[str, str], budget_s: float = 1.5, stores: Iterable[str] = STORES
) -> dict[str, Ceiling]:
    """Return the ceiling of each store after reading from it for about `budget_s` seconds; nothing is written.

    Seed the stores first: the reads use an existing asset if there is one. To be called from the main thread.
    Raises ServerError for a store that does not answer.
    """
    with private_folder() as folder, Supervisor() as supervisor:
        # All start together: most of their start is Python's imports, which can run concurrently.
        teams = {
            store: Clients(supervisor, store, environment, folder, max(n for n, _ in _SHAPES))
            for store in stores
        }
        return {store: _ceiling(clients, budget_s) for store, clients in teams.items()}


def warm_up_graph(environment: Mapping[str, str], budget_s: float = 3.0) -> list[float]:
    """Read from the graph until its rate stops rising, for `budget_s` seconds at most; return the rates per second.

    The first queries of a Java server run interpreted and are several times slower than the later ones.
    """
    with private_folder() as folder, Supervisor() as supervisor:
        clients = Clients(supervisor, "neo4j", environment, folder, 1)
        clients.wait()
        return list(_until_steady(clients, budget_s))


def _until_steady(clients: Clients, budget_s: float) -> Iterator[float]:
    """Yield the rate of each round; two in a row with hardly any gain end it."""
    best_per_s, disappointments = 0.0, 0
    for _ in range(max(1, int(budget_s / _WARM_ROUND_S))):
        rate_per_s = clients.round(1, 4, _WARM_ROUND_S).rate_per_s
        yield rate_per_s
        disappointments = disappointments + 1 if rate_per_s < best_per_s * _WARM_ENOUGH else 0
        best_per_s = max(best_per_s, rate_per_s)
        if disappointments == 2:
            return


def _ceiling(clients: Clients, budget_s: float) -> Ceiling:
    read = clients.wait()
    rounds = [clients.round(processes, threads, budget_s / len(_SHAPES)) for processes, threads in _SHAPES]
    best = max(rounds, key=lambda done: done.rate_per_s)
    # Judge by the round with most clients: with few of them, all wait and no processor is busy.
    limit = limit_of(rounds[-1], os.cpu_count() or 1)
    return Ceiling(best.rate_per_s, _words(read, best, limit), best.processes * best.threads, limit)


def limit_of(done: Round, processors: int) -> Bottleneck:
    """Return the limit of a round: a Python process cannot use more than about one processor."""
    if done.client_processors >= _BUSY * min(done.processes, processors):
        return Bottleneck.CLIENTS
    if done.machine_busy >= _BUSY:
        return Bottleneck.MACHINE
    return Bottleneck.SERVER


def _words(read: str, done: Round, limit: Bottleneck) -> str:
    team = f"{done.processes} client process{'es' if done.processes > 1 else ''}"
    threads = f"{done.threads} thread{'s' if done.threads > 1 else ''}"
    return (
        f"{read}, {team} of {threads} using {done.client_processors:.1f} of {os.cpu_count()} processors; "
        f"{_IN_WORDS[limit]}"
    )
