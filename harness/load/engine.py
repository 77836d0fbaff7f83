"""Drive a load run under Locust: Locust spawns the greenlets; the harness plans, stamps and records.

Only the measured child process imports this module.
"""

# Locust monkey-patches on import, which must happen before the target imports anything.
import locust  # isort: skip
import logging
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import gevent
import numpy as np
from gevent.hub import get_hub
from locust.env import Environment
from locust.exception import StopUser

from harness.clock import NS_PER_S, SystemClock
from harness.errors import HarnessError, RefusedError
from harness.load.back_to_back import make_slice
from harness.load.calling import Calling, Work, make_caller
from harness.load.closed_model import ClosedModel
from harness.load.facts import at_origin
from harness.load.greenlets import GreenletCount, sampling
from harness.load.instrument import Instrument, Measurement
from harness.load.open_model import OpenModel
from harness.load.overhead import measured_overhead
from harness.load.owner import Owner
from harness.load.planned_rows import PlannedRows
from harness.load.run_delay import RunDelay
from harness.load.split import Split
from harness.load.stop_signal import in_no_child
from harness.load.vetting import TIMEOUTS, Vetting, refuse_process_pools
from harness.load.walking import Walking
from harness.model import Executor
from harness.plans.plan import choose
from harness.processes.job import Job, Message, Started
from harness.processes.withdraw_split import withdraw_split
from harness.run.directory import RunDirectory, write_document
from harness.run.facts import LoadFacts
from harness.table import calls
from harness.target.carrying import Carrier
from harness.target.events import needed_payloads, prepare_events
from harness.target.journeys import Walks
from harness.target.loading import LoadedTarget

# Locust needs a moment to spawn its users before warm-up begins.
_LEAD_S = 0.2
# The closed model draws its operations in a cycle of this length.
_SEQUENCE = 65_536

# As early as Locust's patches: before any code of the target runs.
refuse_process_pools()

Model = OpenModel | ClosedModel
Send = Callable[[Message], None]


class Hosting(Protocol):
    """Source of a run's greenlets and of its start time: Locust in this process, or Locust's master."""

    def agree_on_origin(self, warmup_s: float) -> int:
        """Return the clock at time zero of the table, once everything is ready."""

    def run(self, model: Model, users: int, owners: dict[object, Owner]) -> None:
        """Let Locust spawn the greenlets of `model` and return when it has ended."""

    def share(self, sequence: list[Any]) -> list[Any]:
        """Return this process's part of the sequence of operations of closed users."""


class Driver:
    """One load run: `open` the target, then `drive` it."""

    def __init__(
        self, job: Job, target: LoadedTarget, carrier: Carrier, hosting: Hosting | None = None
    ) -> None:
        self._job = job
        self._hosting = hosting or OwnRunner()
        self._folder = Path(job.folder)
        self._instrument = Instrument(
            target,
            carrier,
            split=Split(get_hub(), SystemClock.now_ns) if job.split else None,
            current=gevent.getcurrent,
            collects_waits=job.waits,
            traced_by=job.traced_by,
        )
        self._instrument.alive = {"greenlets": GreenletCount()}
        self._vetting = Vetting()
        self._walking: Walking | None = None
        logging.getLogger("locust").setLevel(logging.WARNING)

    def open(self) -> None:
        """Hook into the target's executors and open it."""
        self._instrument.open()

    def drive(self, mix: Mapping[str, float], send: Send) -> None:
        """Carry out the plan and write the table of calls and `facts.json` into the job's folder.

        Raises `RefusedError` at the end of a run in which a call cannot be measured.
        """
        job, instrument = self._job, self._instrument
        instrument.choose(mix)
        overhead = measured_overhead(instrument, self._folder / "scratch.npy", job.executor)
        is_open = job.executor is Executor.OPEN
        table = calls.load(self._folder / RunDirectory.CALLS) if is_open else None
        work = self._prepare(mix, table)
        rows = 0 if table is None else len(table)
        with Measurement(instrument, self._folder, rows) as measurement, in_no_child():
            origin_ns = self._hosting.agree_on_origin(job.warmup_s)
            facts = at_origin(overhead, origin_ns)
            model = self._model(mix, table, measurement.calling(work, origin_ns), measurement.delay)
            self._heed_faults(model)
            self._write(facts)
            # Set before the supervisor can ask to stop the run.
            signal_watch = gevent.signal_handler(signal.SIGTERM, model.stopping.set)
            send(Started(origin_ns, origin_ns + round(job.duration_s * NS_PER_S)))
            self._run(model, measurement, facts)
            signal_watch.cancel()
        if not is_open or (self._walking and self._walking.walks):
            calls.seal(self._folder / RunDirectory.CALLS)
        if instrument.split and instrument.split.was_taken:
            withdraw_split(self._folder, RunDirectory.CALLS)
        if isinstance(model.trouble, RefusedError):
            raise model.trouble

    def _prepare(self, mix: Mapping[str, float], table: calls.Table | None) -> Work:
        needed = {} if table is None else needed_payloads(mix, table["operation"], table["payload"])
        events = prepare_events(self._instrument.target, mix, self._job.seed, needed)
        return self._instrument.make_work(events, TIMEOUTS, self._vetting)

    def _model(
        self, mix: Mapping[str, float], table: calls.Table | None, calling: Calling, delay: RunDelay
    ) -> Model:
        job, origin_ns = self._job, calling.origin_ns
        end_ns = origin_ns + round(job.duration_s * NS_PER_S)
        walking = self._walking = self._make_walking(calling, delay)
        if table is not None:
            model = OpenModel(
                PlannedRows.of(table),
                walking.make_journey if walking else make_caller(calling),
                calling.recorder,
                origin_ns,
                calling.split,
                calling.owners,
                in_flight_limit=job.in_flight_limit,
                deadline_ns=end_ns + round(job.drain_s * NS_PER_S),
                delay=delay,
                vetting=self._vetting,
                has_walkers=walking is not None,
            )
            if walking:
                walking.goes_on = lambda intended_ns: intended_ns < end_ns and not model.stopping.is_set()
            return model
        operation, payload = choose(_SEQUENCE, mix, np.random.default_rng(job.seed))
        sequence = self._hosting.share(list(zip(operation.tolist(), payload.tolist(), strict=True)))
        make_calls, pause_s = make_slice(calling, sequence), None
        if walking and walking.walks:
            make_calls, pause_s = walking.make_step, walking.pause_s
        elif walking:
            make_calls = walking.slice_of(make_calls)
        return ClosedModel(
            make_calls,
            calling.split,
            calling.owners,
            end_ns=end_ns,
            think_time_s=job.think_time_s,
            drain_s=job.drain_s,
            delay=delay,
            vetting=self._vetting,
            pause_s=pause_s,
        )

    def _make_walking(self, calling: Calling, delay: RunDelay) -> Walking | None:
        """Return the maker of calls for users with state; None if the target has no such users."""
        journey, job = self._instrument.target.journey, self._job
        if not journey.has_users:
            return None
        return Walking(calling, Walks(journey, calling.work.names, job.seed, job.think_time_s), delay)

    def _heed_faults(self, model: Model) -> None:
        """End the run at the first fault of the target that makes measuring pointless."""
        judge = self._instrument.target.judge

        def end() -> None:
            model.trouble = model.trouble or HarnessError(judge.fault if judge else "")
            model.stopping.set()

        if judge:
            judge.on_fault = end

    def _run(self, model: Model, measurement: Measurement, facts: LoadFacts) -> None:
        job, owners = self._job, self._instrument.owners
        until_origin_s = (facts.origin_ns - SystemClock.now_ns()) / NS_PER_S
        gevent.spawn_later(until_origin_s, measurement.begin)
        # Other work of this greenlet counts as the driver's.
        owners[gevent.getcurrent()] = Owner()
        has_pauses = self._walking is not None or (job.executor is Executor.CLOSED and job.think_time_s > 0)
        with measurement.watching(pauses=has_pauses), sampling(measurement.sampler, self._own):
            self._hosting.run(model, job.users, owners)
        measurement.write_waits()
        ended_ns = SystemClock.now_ns() - facts.origin_ns
        ended = measurement.end(
            facts,
            ended_ns=min(ended_ns, round(job.duration_s * NS_PER_S)),
            in_flight_peak=model.in_flight_peak,
            stopped=str(model.trouble) if model.trouble else None,
            journeys=self._walking.facts() if self._walking else None,
        )
        self._write(ended)

    def _own(self, greenlet: gevent.Greenlet) -> None:
        """Count the work of a greenlet as the driver's."""
        self._instrument.owners[greenlet] = Owner()

    def _write(self, facts: LoadFacts) -> None:
        write_document(self._folder / RunDirectory.FACTS, facts)


class OwnRunner:
    """Locust's local runner: this process is the whole run."""

    def agree_on_origin(self, warmup_s: float) -> int:
        """Return a future moment that leaves time for Locust to spawn and for the warm-up."""
        return SystemClock.now_ns() + round((_LEAD_S + warmup_s) * NS_PER_S)

    def share(self, sequence: list[Any]) -> list[Any]:
        """Return the whole sequence."""
        return sequence

    def run(self, model: Model, users: int, owners: dict[object, Owner]) -> None:
        """Spawn the users of `model`, or its one pacer."""
        environment = Environment(user_classes=[user_class(lambda: model)], catch_exceptions=False)
        runner = environment.create_local_runner()
        # Locust's other work counts as the driver's, not the target's.
        owners.update((helper, Owner()) for helper in runner.greenlet)
        spawned = users if isinstance(model, ClosedModel) else 1
        runner.start(spawned, spawn_rate=spawned)
        model.wait()
        runner.quit()


def user_class(model: Callable[[], Model]) -> type[locust.User]:
    """Return the Locust user class that, when spawned, drives the model that `model` returns."""

    def body(_user: locust.User) -> None:
        model().drive_user()
        raise StopUser

    return type("PlannedUser", (locust.User,), {"tasks": [body], "wait_time": locust.constant(0)})
