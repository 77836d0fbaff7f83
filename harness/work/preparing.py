"""Find properties of a target before measuring it: the rate it can sustain, or the number of users it needs."""

import dataclasses
import enum

from harness.capacity.plateau import MOST_USERS, is_reached, plateau, search
from harness.capacity.probe import PROBE_S, PROBE_WARMUP_S, USERS, at_sustainable_rate, probe_per_s, slowest
from harness.console.console import Talk
from harness.errors import InvalidRunError
from harness.processes.loadrun import LoadPlan
from harness.processes.subject import Subject
from harness.supervise import Supervisor
from harness.units import format_percent, format_rate, significant
from harness.work.servers import Backends
from harness.work.subjects import Selection


class Find(enum.Enum):
    """Value that was not given and that the harness finds."""

    NOTHING = enum.auto()
    RATE = enum.auto()
    USERS = enum.auto()


def prepared(
    selection: Selection, plan: LoadPlan, find: Find, supervisor: Supervisor, backends: Backends, talk: Talk
) -> LoadPlan:
    """Return the plan with the values that had to be found: the same for every variant."""
    if find is Find.RATE:
        return _with_rate(selection, plan, supervisor, backends, talk)
    return _with_users(selection, plan, supervisor, backends, talk) if find is Find.USERS else plan


def label_of(selection: Selection, variant: str) -> str:
    """Return the label of a variant in progress output."""
    return variant or selection.spec.shown


def subject_of(selection: Selection, variant: str, backends: Backends) -> Subject:
    """Return the subject to measure."""
    own = backends.parameters if selection.entry.needs_servers else {}
    parameters = {**own, **selection.parameters(variant)}
    return Subject(selection.entry.factory, parameters, backends.environment, server=selection.server)


def probed_per_s(
    selection: Selection,
    variant: str,
    plan: LoadPlan,
    supervisor: Supervisor,
    backends: Backends,
    talk: Talk,
    users: int = USERS,
) -> float:
    """Return the throughput of a variant with closed users in a short probe, in calls per second."""
    backends.forget()
    what = f"Probing {label_of(selection, variant)} with {users} users"
    with talk.progress(what, PROBE_S, PROBE_WARMUP_S) as tick:
        return probe_per_s(supervisor, subject_of(selection, variant, backends), plan, tick, users=users)


def _with_rate(
    selection: Selection, plan: LoadPlan, supervisor: Supervisor, backends: Backends, talk: Talk
) -> LoadPlan:
    """Find the throughput of each variant, and plan the scenario's share of the slowest one's."""
    found = {
        label_of(selection, variant): probed_per_s(selection, variant, plan, supervisor, backends, talk)
        for variant in selection.variants
    }
    plan = at_sustainable_rate(plan, found)
    label = slowest(found)
    talk.say(
        f"Target rate: {format_rate(plan.rate_per_s)}, {format_percent(plan.scenario.probe_share)} of the highest throughput "
        f"of {label} ({significant(found[label])}/s)"
    )
    return plan


def _with_users(
    selection: Selection, plan: LoadPlan, supervisor: Supervisor, backends: Backends, talk: Talk
) -> LoadPlan:
    """Find the number of users at which each variant reaches its maximum, and take the largest for all."""
    needed: dict[int, dict[int, float]] = {}
    for variant in selection.variants:

        def measure(users: int, variant: str = variant) -> float:
            return probed_per_s(selection, variant, plan, supervisor, backends, talk, users)

        found = search(measure)
        if not max(found.values()):
            raise InvalidRunError(
                f"No number of users could be found: no call of '{label_of(selection, variant)}' completed",
                remedy="Check why the calls fail, or give --users",
            )
        needed[plateau(found)] = found
    users = max(needed)
    found = needed[users]
    steps = ", ".join(f"{count} users {format_rate(rate)}" for count, rate in found.items())
    what = "the plateau" if is_reached(found) else f"no plateau up to {MOST_USERS} users"
    talk.say(f"Users: {users}, {what} ({steps})")
    return dataclasses.replace(plan, users=users, searched=found)
