"""Find the rate of a run without a given one: the scenario's share of the slowest target's capacity."""

import contextlib
import dataclasses
from collections.abc import Mapping

from harness.errors import InvalidRunError, TargetError
from harness.model import Arrivals, Executor
from harness.processes.loadrun import LoadPlan, run_load
from harness.processes.measure import Tick
from harness.processes.subject import Subject
from harness.reading.summary import throughput
from harness.run.directory import RunDirectory, decode
from harness.run.facts import LoadFacts
from harness.supervise import Supervisor, private_folder

PROBE_S = 2.0
PROBE_WARMUP_S = 1.0
USERS = 8


def probe_per_s(
    supervisor: Supervisor, subject: Subject, plan: LoadPlan, tick: Tick, *, users: int = USERS
) -> float:
    """Return the throughput of `subject` with closed users without think time, in calls per second.

    For a plan of the open model whose arrivals are users on a journey it is in journeys per second: the plan's rate is that
    of the arrivals.

    Raises the errors of `run_load`, and `KeyboardInterrupt` if the user stopped it.
    """
    scenario = dataclasses.replace(
        plan.scenario, executor=Executor.CLOSED, arrivals=Arrivals.POISSON, think_time_s=0.0
    )
    probe = dataclasses.replace(
        plan,
        scenario=scenario,
        trace=None,
        users=users,
        duration_s=PROBE_S,
        warmup_s=PROBE_WARMUP_S,
        split=False,
        workers=1,
    )
    with private_folder() as folder:
        result = run_load(supervisor, subject, probe, folder, on_mix=lambda _mix: None, tick=tick)
        if result.ending.interrupted:
            raise KeyboardInterrupt
        result.ending.raise_refusal()
        with contextlib.suppress(InvalidRunError):
            stopped = decode(folder / RunDirectory.FACTS, LoadFacts).stopped
            if stopped:
                raise TargetError(f"The probe ended early: {stopped}", remedy="Correct the target")
        calls_per_s = throughput(folder / RunDirectory.CALLS, PROBE_S)
        steps = len(result.ready.journey) if plan.scenario.executor is Executor.OPEN else 0
        return calls_per_s / max(steps, 1)


def slowest(found: Mapping[str, float]) -> str:
    """Return the label of the target with the fewest calls per second."""
    return min(found, key=lambda label: found[label])


def at_sustainable_rate(plan: LoadPlan, found: Mapping[str, float]) -> LoadPlan:
    """Return `plan` at its scenario's share of the slowest rate in `found` (calls per second by label).

    Raises `InvalidRunError` if no call of it completed, and `UsageError` for a plan that no run could hold.
    """
    label = slowest(found)
    if not found[label]:
        raise InvalidRunError(
            f"No rate was found: no call of '{label}' completed in the probe",
            remedy="Set --rate, and check the failing calls",
        )
    scaled = dataclasses.replace(plan, rate_per_s=float(f"{found[label] * plan.scenario.probe_share:.2g}"))
    scaled.check()
    return scaled
