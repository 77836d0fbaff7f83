"""Locust drives the greenlets; the harness plans, stamps and records. Runs in the measured child process only."""

# Locust monkey-patches on import, and must do so before the target imports anything.
import locust  # isort: skip
import contextlib
import logging
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import gevent
import msgspec
import numpy as np
from gevent.hub import get_hub
from locust.env import Environment
from locust.exception import StopUser

from harness.clock import NS_PER_S, SystemClock
from harness.errors import HarnessError, RefusedError
from harness.load.back_to_back import make_slice
from harness.load.calling import Calling, Work, make_caller
from harness.load.children import ChildWatch
from harness.load.closed_model import ClosedModel
from harness.load.facts import as_split, at_end, at_origin, measured_overhead, with_processor
from harness.load.garbage import GarbageWatch
from harness.load.open_model import OpenModel, PlannedRows
from harness.load.split import Owner, Split
from harness.load.vetting import Vetting, refuse_process_pools
from harness.load.waits import Waits, waits_of
from harness.load.wrap import make_here
from harness.model import Executor
from harness.plans.plan import choose
from harness.processes.job import Job, Message, Started
from harness.processes.withdrawn import withdraw_split
from harness.profiles.capture.wait import WAITS
from harness.profiles.stacks.marker import marked
from harness.run.directory import RunDirectory, write_atomically, write_document
from harness.run.facts import LoadFacts
from harness.table import calls
from harness.table.heldby import HeldBy
from harness.table.recorder import Recorder
from harness.target.carrying import Carrier
from harness.target.events import needed_payloads, prepare_events
from harness.target.failures import Failures
from harness.target.loading import Counters, LoadedTarget, open_target

# Locust needs a moment to spawn its users before warm-up begins.
_LEAD_S = 0.2
# The closed model draws its operations in a cycle of this length.
_SEQUENCE = 65_536

# As Locust's patches, before anything of the target's runs.
refuse_process_pools()

Model = OpenModel | ClosedModel
Send = Callable[[Message], None]


class Hosting(Protocol):
    """Where the greenlets of a run come from, and who says when it begins: Locust in this process, or its master."""

    def agree_on_origin(self, warmup_s: float) -> int:
        """Return time zero of the table on the clock, once everything is ready."""

    def run(self, model: Model, users: int, owners: dict[object, Owner]) -> None:
        """Let Locust spawn the greenlets of `model` and return when it has ended."""

    def share(self, sequence: list[Any]) -> list[Any]:
        """Return this process's part of the sequence of operations that closed users go through."""


class Driver:
    """One load run: `open` the target, then `drive` it."""

    def __init__(
        self, job: Job, target: LoadedTarget, carrier: Carrier, hosting: Hosting | None = None
    ) -> None:
        self._job = job
        self._carrier = carrier
        self._hosting = hosting or OwnRunner()
        self._target = target
        self._folder = Path(job.folder)
        self._names: list[str] = list(target.operations)
        self._split = Split(get_hub(), SystemClock.now_ns) if job.split else None
        self._owners: dict[object, Owner] = self._split.owners if self._split else {}
        self._failures = Failures()
        self._vetting = Vetting()
        logging.getLogger("locust").setLevel(logging.WARNING)

    def open(self) -> None:
        """Hook into the target's executors and open it."""
        self._children = ChildWatch(self._carrier, SystemClock.now_ns)
        self._carrier.here = make_here(self._owners, self._names, self._split)
        self._target.instrument(self._carrier.bind)
        open_target(self._target)

    def drive(self, mix: Mapping[str, float], send: Send) -> None:
        """Carry out the plan; leaves the table of calls and `facts.json` in the job's folder.

        Raises `RefusedError` at the end of a run that a call ended by what cannot be measured.
        """
        self._names[:] = mix
        if self._split:
            self._split.expect(len(mix))
        scratch, waits = self._folder / "scratch.npy", self._new_waits()
        facts = measured_overhead(scratch, self._split, self._job.executor, waits)
        if self._split:
            self._split.waits = self._new_waits()
        is_open = self._job.executor is Executor.OPEN
        table = calls.load(self._folder / RunDirectory.CALLS) if is_open else None
        work = self._prepare(mix, table)
        rows = 0 if table is None else len(table)
        with Recorder(self._folder / RunDirectory.CALLS, rows) as recorder, self._held_by(mix) as cells:
            origin_ns = self._hosting.agree_on_origin(self._job.warmup_s)
            facts = at_origin(facts, origin_ns)
            calling = Calling(work, recorder, origin_ns, self._split, self._owners, cells)
            model = self._model(mix, table, calling)
            self._heed_faults(model)
            self._write(facts)
            # Before anybody can know that there is something to stop.
            signal_watch = gevent.signal_handler(signal.SIGTERM, model.stopping.set)
            send(Started(origin_ns, origin_ns + round(self._job.duration_s * NS_PER_S)))
            self._run(model, facts, work)
            signal_watch.cancel()
        if not is_open:
            calls.seal(self._folder / RunDirectory.CALLS)
        if self._split and self._split.was_taken:
            withdraw_split(self._folder, RunDirectory.CALLS)
        if isinstance(model.trouble, RefusedError):
            raise model.trouble

    def _new_waits(self) -> Waits | None:
        if self._split is None or not self._job.waits:
            return None
        return waits_of(self._split, self._target.call, self._names)

    def _prepare(self, mix: Mapping[str, float], table: calls.Table | None) -> Work:
        needed = {} if table is None else needed_payloads(mix, table["operation"], table["payload"])
        events = prepare_events(self._target, mix, self._job.seed, needed)
        # gevent.Timeout is no Exception: a target that lets one out has timed out.
        timeouts = (TimeoutError, gevent.Timeout)
        marked_calls = [marked(self._target.call, name) for name in mix]
        return Work(
            list(mix),
            marked_calls,
            events,
            SystemClock.now_ns,
            self._target.judge,
            timeouts,
            self._failures,
            self._vetting,
        )

    @contextlib.contextmanager
    def _held_by(self, mix: Mapping[str, float]) -> Iterator[HeldBy | None]:
        if not self._split:
            yield None
            return
        cells = HeldBy(self._folder / RunDirectory.HELD_BY, len(mix))
        try:
            yield cells
        finally:
            cells.close()

    def _model(self, mix: Mapping[str, float], table: calls.Table | None, calling: Calling) -> Model:
        job, origin_ns = self._job, calling.origin_ns
        if table is not None:
            return OpenModel(
                PlannedRows.of(table), make_caller(calling), calling.recorder, origin_ns, self._split, self._owners,
                in_flight_limit=job.in_flight_limit,
                deadline_ns=origin_ns + round((job.duration_s + job.drain_s) * NS_PER_S), vetting=self._vetting,
            )  # fmt: skip
        operation, payload = choose(_SEQUENCE, mix, np.random.default_rng(job.seed))
        sequence = self._hosting.share(list(zip(operation.tolist(), payload.tolist(), strict=True)))
        return ClosedModel(
            make_slice(calling, sequence), self._split, self._owners,
            end_ns=origin_ns + round(job.duration_s * NS_PER_S),
            think_time_s=job.think_time_s, drain_s=job.drain_s, vetting=self._vetting,
        )  # fmt: skip

    def _heed_faults(self, model: Model) -> None:
        """End the run at the first fault of the target's own that leaves nothing to measure."""
        judge = self._target.judge

        def end() -> None:
            model.trouble = model.trouble or HarnessError(judge.fault if judge else "")
            model.stopping.set()

        if judge:
            judge.on_fault = end

    def _run(self, model: Model, facts: LoadFacts, work: Work) -> None:
        before = Counters(self._target)
        until_origin_s = (facts.origin_ns - SystemClock.now_ns()) / NS_PER_S
        for begin in (before.read, self._children.begin):
            gevent.spawn_later(until_origin_s, begin)
        with GarbageWatch(self._split.collected if self._split else None) as garbage, self._watching():
            self._hosting.run(model, self._job.users, self._owners)
        if self._split and self._split.waits:
            write_atomically(self._folder / WAITS, self._split.waits.record(self._names).pack())
        ended_ns = SystemClock.now_ns() - facts.origin_ns
        ended = at_end(
            msgspec.structs.replace(as_split(facts, self._split), children=self._children.facts()),
            ended_ns=min(ended_ns, round(self._job.duration_s * NS_PER_S)),
            garbage=garbage,
            counters=before,
            in_flight_peak=model.in_flight_peak,
            stopped=str(model.trouble) if model.trouble else None,
            work=work,
        )
        self._write(with_processor(ended, self._split, model.delay, self._names))

    @contextlib.contextmanager
    def _watching(self) -> Iterator[None]:
        if not self._split:
            yield
            return
        self._owners[gevent.getcurrent()] = Owner()
        self._split.start()
        try:
            yield
        finally:
            self._split.stop()

    def _write(self, facts: LoadFacts) -> None:
        write_document(self._folder / RunDirectory.FACTS, facts)


class OwnRunner:
    """Locust's local runner: this process is the whole run."""

    def agree_on_origin(self, warmup_s: float) -> int:
        """Return a moment from now that leaves Locust time to spawn, and warm-up its own."""
        return SystemClock.now_ns() + round((_LEAD_S + warmup_s) * NS_PER_S)

    def share(self, sequence: list[Any]) -> list[Any]:
        """Return all of it."""
        return sequence

    def run(self, model: Model, users: int, owners: dict[object, Owner]) -> None:
        """Spawn the users of `model`, or its one pacer."""
        environment = Environment(user_classes=[user_class(lambda: model)], catch_exceptions=False)
        runner = environment.create_local_runner()
        # What Locust does beside is the driver's doing, not the target's.
        owners.update((helper, Owner()) for helper in runner.greenlet)
        spawned = users if isinstance(model, ClosedModel) else 1
        runner.start(spawned, spawn_rate=spawned)
        model.wait()
        runner.quit()


def user_class(model: Callable[[], Model]) -> type[locust.User]:
    """Return the Locust user that drives what `model` returns when it is spawned."""

    def body(_user: locust.User) -> None:
        model().drive_user()
        raise StopUser

    return type("PlannedUser", (locust.User,), {"tasks": [body], "wait_time": locust.constant(0)})
