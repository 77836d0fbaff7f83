"""Judge and describe a run of somebody's locustfile: its client, its users, and the calls beside the measured time."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from harness.model import Outcome
from harness.policy.thresholds import Level, Reason, Thresholds
from harness.reading import generator
from harness.reading.summary import OperationSummary, RunSummary, summarise
from harness.run.client_facts import ClientFacts
from harness.table.aside import Aside, is_of
from harness.table.pieces import pieces
from harness.units import format_count, format_ns

if TYPE_CHECKING:
    from harness.table.calls import Table

_REMEDY = "Share the users among more processes with --processes, or use FastHttpUser"
_LEAST_BEATS = 50
_MOST_NAMED = 3

COORDINATED_OMISSION = (
    "closed: each user waits for its answer, so a slow server is asked less often, and these percentiles leave out the "
    "requests that a fixed rate would have sent meanwhile (coordinated omission)"
)


def is_of_file(run: RunSummary) -> bool:
    """Return True for a run whose users are those of somebody's locustfile."""
    return run.document.locust is not None and bool(run.document.locust.file)


def client_of(run: RunSummary) -> ClientFacts | None:
    """Return the facts of the processes whose users are a locustfile's; None for any other run."""
    return run.facts.client if run.facts else None


def beside(run: RunSummary) -> dict[str, OperationSummary]:
    """Return the calls that no headline contains, by the part of the run in which they were made; only parts with calls."""
    if run.document.locust is None:
        return {}
    rows: dict[str, list[Table]] = {}
    for piece in pieces(run.warmup):
        for aside in Aside:
            if len(part := piece[is_of(piece, aside)]):
                rows.setdefault(aside.label, []).append(part)
    return {label: summarise(label, np.concatenate(parts)) for label, parts in rows.items()}


def every_request(run: RunSummary) -> dict[str, int]:
    """Return the number of all calls of each operation, those beside the measured time included."""
    counts = np.zeros(len(run.document.plan.operations), np.int64)
    for piece in run.all_calls:
        counts += np.bincount(piece["operation"], minlength=len(counts))
    return dict(zip(run.document.plan.operations, counts.tolist(), strict=True))


def counted(run: RunSummary) -> Iterator[Reason]:
    """Compare Locust's own count with ours, where its statistics were not reset.

    Locust may end a user between a call of a hosted target and its event, and so miss at most one call of each user.
    """
    locust = run.document.locust
    if locust is None or locust.was_reset:
        return
    ours = _returned(run)
    # A name that a script gave may also be the path of another request, so only the sum is Locust's without doubt.
    pairs = (
        {"all requests": (sum(ours.values()), sum(locust.counted.values()) - _refused(run))}
        if locust.file
        else {f"calls of '{name}'": (count, locust.counted.get(name, 0)) for name, count in ours.items()}
    )
    for what, (mine, theirs) in pairs.items():
        if missed := mine - theirs:
            yield Reason(
                Level.DEGRADED if 0 < missed <= run.document.plan.users else Level.INVALID,
                f"Locust counted {theirs} {what} that returned, the table of calls holds {mine}",
            )


def _returned(run: RunSummary) -> dict[str, int]:
    names = list(run.document.plan.operations)
    counts = np.zeros(len(names), np.int64)
    outcomes = [outcome for outcome in Outcome if outcome.returned]
    for piece in run.all_calls:
        counts += np.bincount(piece["operation"][np.isin(piece["outcome"], outcomes)], minlength=len(names))
    return dict(zip(names, counts.tolist(), strict=True))


def _refused(run: RunSummary) -> int:
    client = client_of(run)
    return sum(client.refused.values()) if client else 0


def findings(run: RunSummary, limits: Thresholds) -> Iterator[Reason]:
    """Return the findings against a run of a locustfile; none against any other run."""
    locust, client = run.document.locust, client_of(run)
    if locust is None or not locust.file:
        return
    if not locust.is_ramped:
        yield Reason(
            Level.DEGRADED,
            "The test ended before all of its users were started: its rates and percentiles are of the ramp-up",
        )
    # An application of this process shares processor and loop with its users: there, waiting for them is its own.
    if not locust.is_in_process:
        yield from generator.processor(run, "Locust's process", _REMEDY)
    if client is None:
        return
    if not locust.is_in_process:
        yield from _loop(run, client, limits)
    if client.lost:
        lost = sum(client.lost.values())
        yield Reason(
            Level.DEGRADED,
            f"{lost} of {client.started} users were lost ({_listed(client.lost)}): the others were the load from then on",
        )
    if client.refused:
        yield Reason(
            Level.DEGRADED,
            f"{format_count(sum(client.refused.values()))} events of the script could not be recorded: {_listed(client.refused)}",
        )
    if client.silent:
        yield Reason(
            Level.DEGRADED,
            f"{format_count(client.silent)} requests ended without an event, as where an exception leaves a 'with' block: "
            "they count as unfinished",
        )


def _loop(run: RunSummary, client: ClientFacts, limits: Thresholds) -> Iterator[Reason]:
    response_ns, late_ns = run.total.histograms["response_ns"].percentile(0.99), client.loop_lag.p99_ns
    if response_ns and client.loop_lag.beats >= _LEAST_BEATS:
        level = min(
            limits.lag_share.level(late_ns / response_ns), limits.lag_ns.level(late_ns), key=list(Level).index
        )
        yield Reason(
            level,
            f"The client's loop was {format_ns(late_ns)} late at p99, against a p99 of the responses of "
            f"{format_ns(response_ns)}: slow responses are partly the client's own",
        )
    yield from generator.loop(run)


def _listed(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    more = [f"{len(ordered) - _MOST_NAMED} more reasons"] if len(ordered) > _MOST_NAMED else []
    return ", ".join([f"{count:,} × {why}" for why, count in ordered[:_MOST_NAMED]] + more)


def remarks(run: RunSummary) -> list[str]:
    """Return what is to be known of the names and times of a locustfile's requests, without degrading the run."""
    client = client_of(run)
    if client is None:
        return []
    killed = max(run.total.outcomes["unfinished"] - client.silent, 0)
    said: list[tuple[object, Callable[[], str]]] = [
        (client.folded, lambda: f"ids and queries of paths are folded: {_names(client.folded)}; a name= is kept"),
        (client.names_left, lambda: f"{client.names_left:,} further names are counted together: give such requests a name="),
        (client.told, lambda: f"times of {_first(client.told)} are as the script told them"),
        (killed, lambda: f"{killed:,} requests were still in flight when Locust ended them with its users; --stop-timeout lets them end"),
        (client.untimed, lambda: f"events without a time, or with 0, are in no percentile: {_names(client.untimed)}"),
    ]  # fmt: skip
    return [sentence() for is_so, sentence in said if is_so]


def _names(counts: Mapping[str, int]) -> str:
    return f"{_first({f'{name} ({count:,})': count for name, count in counts.items()})}"


def _first(names: Mapping[str, int]) -> str:
    ordered = sorted(names, key=lambda name: -names[name])
    more = f" and {len(ordered) - _MOST_NAMED} others" if len(ordered) > _MOST_NAMED else ""
    return f"{', '.join(ordered[:_MOST_NAMED])}{more}"
