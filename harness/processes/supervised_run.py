"""Carry out a load run with several measured processes that the supervisor leads itself, for engines without Locust.

Each process has its own target, interpreter and share of the plan. The supervisor gives all of them one time zero, and merges
their tables, which must add up to the accounts that they wrote, bit for bit.
"""

import contextlib
import dataclasses
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from harness.clock import NS_PER_S, SystemClock
from harness.model import Engine, Executor
from harness.plans.plan import planned_table
from harness.processes.host_watch import HostWatch
from harness.processes.hosting import LEAD_S
from harness.processes.job import Job, Ready, Share, Start, Started
from harness.processes.loadrun import LoadPlan
from harness.processes.measure import Ending, Following, MeasuredProcess, Program, Tick
from harness.processes.merge_parts import Part
from harness.processes.subject import Subject
from harness.processes.worker_messages import Member
from harness.supervise import Supervisor, how_it_ended
from harness.table import calls, shares
from harness.target.spec import WORKER_VARIABLE


@dataclasses.dataclass(slots=True)
class _Worker:
    """One measured process, and how it ended."""

    member: Member
    process: MeasuredProcess
    watch: HostWatch
    following: Following | None = None
    ending: Ending | None = None
    how_lost: str | None = None
    lost_at_s: float | None = None


class SupervisedRun:
    """The processes of one run. Leaving the context ends all of them."""

    def __init__(
        self, supervisor: Supervisor, subject: Subject, plan: LoadPlan, folder: Path, engine: Engine
    ) -> None:
        self._plan = plan
        self._workers: list[_Worker] = []
        job = msgspec.structs.replace(plan.job(folder, subject), engine=engine)
        with contextlib.ExitStack() as started:
            for number in range(plan.workers):
                member = _member(plan, job, folder, number)
                process = started.enter_context(
                    MeasuredProcess(
                        supervisor, member.job, Path(member.job.folder) / "worker.log",
                        {**subject.environment, WORKER_VARIABLE: str(number)}, program=Program(name=member.name),
                    )
                )  # fmt: skip
                watch = HostWatch(process.pid, plan.duration_s, of_all_threads=engine is Engine.THREADS)
                self._workers.append(_Worker(member, process, watch))
            self._started = started.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.child.kill()
        self._started.close()

    def wait_ready(self) -> Ready:
        """Wait until every target is made and open; return the facts on the first."""
        first, *_ = [worker.process.wait_ready() for worker in self._workers]
        return first

    def go(self, mix: dict[str, float]) -> Started:
        """Deal the plan, arm all processes, and start them with one time zero; return when warm-up has begun."""
        plan = self._plan
        if plan.scenario.executor is Executor.OPEN:
            table = planned_table(plan.scenario, plan.spans, mix, plan.seed, plan.trace)
            for worker, part in zip(self._workers, shares.deal(table, plan.workers), strict=True):
                calls.write_table(Path(worker.member.job.folder) / shares.CALLS, np.ascontiguousarray(part))
        for worker in self._workers:
            worker.process.send_go(mix)
        for worker in self._workers:
            worker.process.wait_armed()
        origin_ns = SystemClock.now_ns() + round((LEAD_S + plan.warmup_s) * NS_PER_S)
        for worker in self._workers:
            worker.process.tell(Start(origin_ns))
        first, *_ = [worker.process.wait_started() for worker in self._workers]
        return first

    def follow(self, started: Started, tick: Tick) -> Ending:
        """Wait for all processes to end. Ctrl-C stops all of them cleanly, and so does a refusal of the target by one."""
        for worker in self._workers:
            worker.following = Following(worker.process, started)
        is_interrupted = False
        while any(worker.ending is None for worker in self._workers):
            try:
                elapsed_s = (SystemClock.now_ns() - started.origin_ns) / NS_PER_S
                tick(elapsed_s)
                self._look(elapsed_s)
            except KeyboardInterrupt:
                if is_interrupted:
                    raise
                is_interrupted = True
                self._stop()
        endings = [worker.ending for worker in self._workers if worker.ending]
        notes = [ending.note for ending in endings if ending.note]
        refused = next((ending.refused for ending in endings if ending.refused), None)
        return Ending(
            str(refused) if refused else None, is_interrupted, refused, note="; ".join(notes) or None
        )

    def _look(self, elapsed_s: float) -> None:
        for worker in self._workers:
            if worker.ending is not None or worker.following is None:
                continue
            worker.watch.tick(elapsed_s)
            ending = worker.ending = worker.following.look(1 / len(self._workers))
            if ending and ending.trouble:
                worker.how_lost, worker.lost_at_s = _how_lost(worker.process, ending), elapsed_s
            if ending and ending.refused:
                self._stop()

    def _stop(self) -> None:
        for worker in self._workers:
            if worker.ending is None and worker.following is not None:
                worker.following.stop()

    def parts(self) -> list[Part]:
        """Return the part of each worker, after all processes have ended."""
        return [
            Part(
                member=worker.member,
                host=worker.watch.facts(),
                lost=worker.how_lost,
                lost_at_s=worker.lost_at_s,
            )
            for worker in self._workers
        ]


def _how_lost(process: MeasuredProcess, ending: Ending) -> str:
    """Return why a worker ended abnormally: its exit code, or its own error message if it sent one."""
    code = process.child.poll()
    return how_it_ended(code) if code is not None and code < 0 else f"could not continue: {ending.trouble}"


def _member(plan: LoadPlan, job: Job, folder: Path, number: int) -> Member:
    """Return one worker's part of the plan, and make its folder."""
    own, workers = folder / shares.name_of(number), plan.workers
    own.mkdir(parents=True)
    part = msgspec.structs.replace(
        job,
        folder=str(own.resolve()),
        users=plan.users // workers + (number < plan.users % workers),
        in_flight_limit=-(-job.in_flight_limit // workers),
        share=Share(number, workers, plan.spans),
    )
    return Member(name=own.name, number=number, workers=workers, job=part, spans=plan.spans)
