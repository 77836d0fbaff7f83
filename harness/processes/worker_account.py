"""A worker's account of its part of a run, small enough for Locust's worker reports, and the merging of accounts.

Counts and histograms of parts add up bit for bit to those of the whole. Facts that speak against a run are not averaged:
the worst one stands for the whole, with the name of its worker.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import msgspec
import numpy as np

from harness.model import Outcome
from harness.plans.span import Span
from harness.run import client_facts
from harness.run.distributions import COUNTS, MOMENTS, Distributions
from harness.run.documents import HostFacts
from harness.run.facts import Blocked, ChildFacts, InThreads, LoadFacts, ThreadCpu
from harness.table import calls
from harness.table.aside import is_measured
from harness.target import failures, journey_ends


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One worker's outcomes and histograms over the measured time, and its facts; `facts` is None if it was lost."""

    name: str
    outcomes: list[int]
    """Number of calls by outcome number."""
    counts: bytes
    moments: bytes
    facts: LoadFacts | None = None

    @classmethod
    def of(cls, name: str, table: calls.Table, spans: Sequence[Span], facts: LoadFacts | None) -> Self:
        """Return the account of a whole table, warm-up included."""
        measured = table[is_measured(table)]
        found = Distributions.of(measured, spans)
        outcomes = np.bincount(measured["outcome"], minlength=len(Outcome))
        return cls(
            name=name,
            outcomes=outcomes.tolist(),
            counts=found.counts.tobytes(),
            moments=found.moments.tobytes(),
            facts=facts,
        )

    @property
    def distributions(self) -> Distributions:
        """Return the histograms."""
        return Distributions(np.frombuffer(self.counts, COUNTS), np.frombuffer(self.moments, MOMENTS))

    def pack(self) -> bytes:
        """Return the account as bytes for `unpack`."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Return the account that `pack` made; raise `msgspec.DecodeError` for other bytes."""
        return msgspec.msgpack.decode(data, type=cls)


def merged(accounts: Sequence[Account]) -> Account:
    """Return the account of all parts together."""
    whole = Distributions.merge([account.distributions for account in accounts])
    return Account(
        name="all",
        outcomes=np.sum([account.outcomes for account in accounts], axis=0).tolist(),
        counts=whole.counts.tobytes(),
        moments=whole.moments.tobytes(),
        facts=merged_facts(accounts),
    )


def merged_facts(accounts: Sequence[Account]) -> LoadFacts | None:
    """Return the facts of the whole from those of the workers that have any, or None if none has."""
    given = [(account.name, account.facts) for account in accounts if account.facts]
    if not given:
        return None
    all_facts = [facts for _, facts in given]
    ended = [facts.ended_ns for facts in all_facts if facts.ended_ns is not None]
    return LoadFacts(
        origin_ns=all_facts[0].origin_ns,
        origin_unix_s=all_facts[0].origin_unix_s,
        engine=all_facts[0].engine,
        clock_step_s=max((facts.clock_step_s for facts in all_facts), key=abs),
        ended_ns=max(ended, default=None),
        replaced_time_s=next(
            (facts.replaced_time_s for facts in all_facts if facts.replaced_time_s != 0), 0.0
        ),
        recorder_ns_per_call=max(facts.recorder_ns_per_call for facts in all_facts),
        split=all(facts.split for facts in all_facts),
        split_taken=any(facts.split_taken for facts in all_facts),
        split_ns_per_switch=max(facts.split_ns_per_switch for facts in all_facts),
        waits_ns_per_switch=max(facts.waits_ns_per_switch for facts in all_facts),
        garbage_collections=sum(facts.garbage_collections for facts in all_facts),
        garbage_ns=sum(facts.garbage_ns for facts in all_facts),
        # The workers' peaks may come at different times: the sum is an upper bound.
        in_flight_peak=sum(facts.in_flight_peak for facts in all_facts),
        peak_rss_bytes=sum(facts.peak_rss_bytes for facts in all_facts),
        counters=_added([facts.counters for facts in all_facts]),
        counters_trouble=_sentences((name, facts.counters_trouble) for name, facts in given),
        failures=failures.merged([facts.failures for facts in all_facts]),
        stopped=_sentences((name, facts.stopped) for name, facts in given),
        judged_by=next((facts.judged_by for facts in all_facts if facts.judged_by), ""),
        aside_ns=max(facts.aside_ns for facts in all_facts),
        left_tasks=dict(sum((Counter(facts.left_tasks) for facts in all_facts), Counter())),
        events_changed=sum(facts.events_changed for facts in all_facts),
        blocked=_blocked([facts.blocked for facts in all_facts]),
        halted_ns=max(facts.halted_ns for facts in all_facts),
        longest_halt_ns=max(facts.longest_halt_ns for facts in all_facts),
        children=_together([facts.children for facts in all_facts if facts.children]),
        journeys=journey_ends.merged([facts.journeys for facts in all_facts if facts.journeys]),
        client=client_facts.merged([facts.client for facts in all_facts if facts.client]),
        threads=sum(facts.threads for facts in all_facts),
        thread_cpu=_cpu([facts.thread_cpu for facts in all_facts]),
        thread_cpu_read_ns=max(facts.thread_cpu_read_ns for facts in all_facts),
        in_threads=_in_threads([facts.in_threads for facts in all_facts]),
        left_running=sum(facts.left_running for facts in all_facts),
    )


def _in_threads(parts: Sequence[Mapping[str, InThreads]]) -> dict[str, InThreads]:
    names = dict.fromkeys(name for part in parts for name in part)
    return {
        name: InThreads(
            length_ns=sum(part[name].length_ns for part in parts if name in part),
            cpu_ns=sum(part[name].cpu_ns for part in parts if name in part),
        )
        for name in names
    }


def merged_host(hosts: Sequence[HostFacts]) -> HostFacts:
    """Return the worst value of each share over the workers; a share that one worker lacks is None."""

    def worst(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return max(known) if known and len(known) == len(values) else None

    return HostFacts(
        descheduled_share=worst([host.descheduled_share for host in hosts]),
        cpu_share=worst([host.cpu_share for host in hosts]),
        steal_share=worst([host.steal_share for host in hosts]),
        load_average=worst([host.load_average for host in hosts]),
    )


def _added(all_counters: list[dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    total: dict[str, dict[str, int]] = {}
    for counters in all_counters:
        for operation, mine in counters.items():
            into = total.setdefault(operation, {})
            for counter, count in mine.items():
                into[counter] = into.get(counter, 0) + count
    return total


def _blocked(parts: list[dict[str, Blocked]]) -> dict[str, Blocked]:
    total: dict[str, Blocked] = {}
    for name, one in (item for part in parts for item in part.items()):
        other = total.get(name, Blocked(stretches=0, held_ns=0, blocked_ns=0))
        total[name] = Blocked(
            stretches=one.stretches + other.stretches,
            held_ns=one.held_ns + other.held_ns,
            blocked_ns=one.blocked_ns + other.blocked_ns,
        )
    return total


def _cpu(parts: list[dict[str, ThreadCpu]]) -> dict[str, ThreadCpu]:
    total: dict[str, ThreadCpu] = {}
    for name, one in (item for part in parts for item in part.items()):
        other = total.get(name, ThreadCpu(calls=0, cpu_ns=0))
        total[name] = ThreadCpu(calls=one.calls + other.calls, cpu_ns=one.cpu_ns + other.cpu_ns)
    return total


def _together(children: list[ChildFacts]) -> ChildFacts | None:
    if not children:
        return None
    return ChildFacts(
        cpu_s=sum(one.cpu_s for one in children),
        most_rss_bytes=max(one.most_rss_bytes for one in children),
        running=sum(one.running for one in children),
        waited_ns=sum(one.waited_ns for one in children),
    )


def _sentences(said: Iterable[tuple[str, str | None]]) -> str | None:
    return "; ".join(f"{name}: {sentence}" for name, sentence in said if sentence) or None
