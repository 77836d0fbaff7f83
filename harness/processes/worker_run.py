"""Lead a load run with several workers under Locust, from the supervisor: Locust's master and its workers.

Each worker is a process with its own target, interpreter and memory. The plan is made once and split, so that the
workers together drive exactly what one process would. Their tables are merged, and their reports over
Locust's connection must add up to the same numbers, bit for bit.
"""

import contextlib
import dataclasses
import os
import sys
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from harness.errors import RefusedError, ServerError
from harness.model import Executor
from harness.plans.plan import planned_table
from harness.processes.host_watch import HostWatch
from harness.processes.job import Failed, Job, Listening, Ready, Started
from harness.processes.loadrun import LoadPlan
from harness.processes.measure import Ending, MeasuredProcess, Program, Tick, ended_early
from harness.processes.merge_parts import Part
from harness.processes.subject import Subject
from harness.processes.worker_messages import FAILURE, KEY_VARIABLE, Lost, Member, WorkerRun
from harness.storage import files
from harness.supervise import Child, Supervisor, how_it_ended
from harness.table import calls, shares
from harness.target.spec import WORKER_VARIABLE

_LAST_WORDS_S = 20.0


@dataclasses.dataclass(slots=True)
class _Worker:
    """One worker process, and the way in which it was lost, if it was."""

    member: Member
    child: Child
    watch: HostWatch
    how_lost: str | None = None
    lost_at_s: float | None = None

    @property
    def folder(self) -> Path:
        return Path(self.member.job.folder)


class LocustRun:
    """The processes of one run. Leaving the context ends all of them."""

    def __init__(self, supervisor: Supervisor, subject: Subject, plan: LoadPlan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder
        self._workers: list[_Worker] = []
        self._elapsed_s: float | None = None
        self._has_begun = self._is_over = False
        job = plan.job(folder, subject)
        worker_run = _worker_run(plan, job, folder)
        self.master = MeasuredProcess(
            supervisor, job, folder / "master.log",
            program=Program("harness.load.workers.master", "Locust's master", worker_run), on_poll=self._look,
        )  # fmt: skip
        try:
            listening = self.master.wait_listening()
            for member in worker_run.members:
                self._workers.append(self._hire(supervisor, subject, member, listening))
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.child.kill()
        self.master.child.kill()

    def _hire(
        self, supervisor: Supervisor, subject: Subject, member: Member, listening: Listening
    ) -> _Worker:
        child = supervisor.start(
            member.name,
            [sys.executable, "-P", "-m", "harness.load.workers.member", str(listening.port), member.name],
            log=Path(member.job.folder) / "worker.log",
            env={
                **os.environ,
                **subject.environment,
                WORKER_VARIABLE: str(member.number),
                KEY_VARIABLE: listening.key,
            },
        )
        return _Worker(member, child, HostWatch(child.pid, self._plan.duration_s))

    def wait_ready(self) -> Ready:
        """Wait until every target is made and open; return the facts on one of them."""
        return self.master.wait_ready()

    def _deal(self, mix: dict[str, float]) -> None:
        """Write each worker's part of the plan; in the closed model the workers begin without users."""
        plan = self._plan
        if plan.scenario.executor is Executor.OPEN:
            table = planned_table(plan.scenario, plan.spans, mix, plan.seed, plan.trace)
            for worker, part in zip(self._workers, shares.deal(table, plan.workers), strict=True):
                calls.write_table(worker.folder / shares.CALLS, np.ascontiguousarray(part))

    def go(self, mix: dict[str, float]) -> Started:
        """Deal the plan, and start the run with this mix; return when warm-up has begun."""
        self._deal(mix)
        started = self.master.go(mix)
        self._has_begun = True
        return started

    def follow(self, started: Started, tick: Tick) -> Ending:
        """Wait for all processes to end, and give the workers time to close their targets."""

        def tick_all(elapsed_s: float) -> None:
            self._elapsed_s = elapsed_s
            for worker in self._workers:
                worker.watch.tick(elapsed_s)
            tick(elapsed_s)

        ending = self.master.follow(started, tick_all)
        self._is_over = True
        if refused := self._refused():
            return dataclasses.replace(ending, trouble=str(refused), refused=refused)
        return ending if ending.trouble else dataclasses.replace(ending, note=self._last_words())

    def _last_words(self) -> str | None:
        """Wait for the workers to close their targets; return a note on those that could not."""
        stuck = []
        for worker in self._workers:
            try:
                worker.child.wait(_LAST_WORDS_S)
            except ServerError:
                stuck.append(worker.member.name)
        return (
            f"The target's close() did not return within {_LAST_WORDS_S:g} s in {', '.join(stuck)}, and was killed; "
            "the measurements before it are complete"
            if stuck
            else None
        )

    def _refused(self) -> RefusedError | None:
        """Return a worker's refusal of the target, if there is one."""
        errors = [failed.error for worker in self._workers if (failed := _failed(worker))]
        return next((error for error in errors if isinstance(error, RefusedError)), None)

    def _look(self) -> None:
        """Tell the master of workers that have ended: a missing heartbeat may only be a busy target."""
        if self._is_over:
            return
        for worker in self._workers:
            code = worker.child.poll()
            if code is not None and code < 0 and not self._has_begun:
                raise ended_early(worker.member.name, code, worker.child)
            if worker.how_lost is None and code:
                worker.how_lost = how_it_ended(code)
                worker.lost_at_s = self._elapsed_s
                self.master.tell(Lost(worker.member.name, worker.how_lost))

    def parts(self) -> list[Part]:
        """Return the part of each worker, after all processes have ended."""
        return [
            Part(
                member=worker.member,
                host=worker.watch.facts(),
                lost=_how_lost(worker),
                lost_at_s=worker.lost_at_s,
            )
            for worker in self._workers
        ]


def _how_lost(worker: _Worker) -> str | None:
    """Return why a worker ended abnormally: its own error message if it sent one, else its exit code."""
    failed = _failed(worker)
    return f"could not continue: {failed.what}" if failed else worker.how_lost


def _failed(worker: _Worker) -> Failed | None:
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(files.read_bytes(worker.folder / FAILURE), type=Failed)
    return None


def _worker_run(plan: LoadPlan, job: Job, folder: Path) -> WorkerRun:
    """Return the parts of the workers, and make their folders."""
    members = []
    for number in range(plan.workers):
        own = folder / shares.name_of(number)
        own.mkdir(parents=True)
        part = msgspec.structs.replace(
            job,
            folder=str(own.resolve()),
            users=plan.users // plan.workers,
            in_flight_limit=-(-job.in_flight_limit // plan.workers),
        )
        members.append(Member(name=own.name, number=number, workers=plan.workers, job=part, spans=plan.spans))
    is_open = plan.scenario.executor is Executor.OPEN
    return WorkerRun(
        members=tuple(members),
        users=plan.workers if is_open else plan.users,
        warmup_s=plan.warmup_s,
        duration_s=plan.duration_s,
    )
