"""Carry out a load run with several workers into one merged table: under Locust's master, or led by the supervisor.

Each worker is a process with its own target, interpreter and memory. The plan is made once and split, so that the workers
together drive exactly what one process would.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.model import Engine, Executor
from harness.processes.loadrun import LoadPlan, LoadResult
from harness.processes.measure import MeasuredProcess, Program, Tick
from harness.processes.merge_parts import merge_parts
from harness.processes.served import serving
from harness.processes.subject import Subject
from harness.processes.supervised_run import SupervisedRun
from harness.processes.worker_run import LocustRun
from harness.supervise import Supervisor
from harness.target.spec import ENGINE, first_engine


def run_with_workers(
    supervisor: Supervisor,
    subject: Subject,
    plan: LoadPlan,
    folder: Path,
    *,
    on_mix: Callable[[dict[str, float]], None],
    tick: Tick,
) -> LoadResult:
    """Run `plan` with `plan.workers` workers, into `folder`; otherwise as `harness.processes.loadrun.run_load`."""
    plan.check()
    if plan.scenario.executor is Executor.CLOSED and plan.users < plan.workers:
        raise UsageError(
            f"{plan.workers} workers cannot share {plan.users} users",
            remedy=f"Give --users {plan.workers} or more, or fewer --workers",
        )
    with serving(supervisor, subject, folder) as served:
        subject = served.subject
        engine = _engine_of(supervisor, subject, plan, folder)
        run: LocustRun | SupervisedRun = (
            LocustRun(supervisor, subject, plan, folder)
            if engine is Engine.GEVENT
            else SupervisedRun(supervisor, subject, plan, folder, engine)
        )
        with run:
            ready = served.ready(run.wait_ready())
            mix = plan.mix(ready)
            if ready.journey and plan.scenario.executor is Executor.OPEN:
                raise UsageError(
                    "Several workers cannot share the arrivals of users on a journey",
                    remedy="Leave out --workers, or use a scenario of the closed model",
                )
            on_mix(mix)
            ending = run.follow(run.go(mix), served.watching(tick))
        facts = served.facts()
    return dataclasses.replace(merge_parts(run.parts(), plan, folder, ending, ready), served=facts)


def _engine_of(supervisor: Supervisor, subject: Subject, plan: LoadPlan, folder: Path) -> Engine:
    """Return the engine that the target needs. Where its SPEC does not tell, a process of its own makes the target and does."""
    engine = first_engine(subject.factory, subject.parameters)
    if engine is not Engine.GEVENT or ENGINE in subject.parameters:
        return engine
    job = msgspec.structs.replace(plan.job(folder, subject), kind="look")
    program = Program(name="the process that looks at the target")
    with MeasuredProcess(
        supervisor, job, folder / "look.log", subject.environment, program=program
    ) as process:
        return process.wait_ready().engine
