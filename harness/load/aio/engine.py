"""Drive a load run in one asyncio event loop: the harness starts the tasks, plans, stamps and records.

Neither gevent nor Locust has a part in it, so nothing of the process is patched.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np

from harness.clock import NS_PER_S, SystemClock
from harness.errors import HarnessError, RefusedError
from harness.load import stop_signal
from harness.load.aio.back_to_back import make_slice
from harness.load.aio.calling import Make, make_caller
from harness.load.aio.chain import codes_of_task
from harness.load.aio.closed_model import ClosedModel
from harness.load.aio.in_threads import ThreadWork
from harness.load.aio.lease import CALL, Late, make_here
from harness.load.aio.open_model import OpenModel
from harness.load.aio.overhead import measured_overhead
from harness.load.aio.sampling import count_tasks, sampling
from harness.load.aio.selector import PacedSelector
from harness.load.aio.sleeping import sleep_until
from harness.load.aio.steps import Marking, Steps
from harness.load.aio.vetting import Vetting
from harness.load.aio.walking import Walking
from harness.load.calling import Calling, Work
from harness.load.facts import at_origin
from harness.load.instrument import Instrument, Measurement
from harness.load.owner import Owner
from harness.load.planned_rows import PlannedRows
from harness.load.run_delay import RunDelay
from harness.model import Executor
from harness.plans.plan import choose
from harness.processes.hosting import Alone, Hosting
from harness.processes.job import Job, Message, Started
from harness.processes.withdraw_split import withdraw_split
from harness.run.directory import RunDirectory, write_document
from harness.run.facts import LoadFacts
from harness.table import calls
from harness.target.carrying import Carrier
from harness.target.events import needed_payloads, prepare_events
from harness.target.journeys import Walks
from harness.target.loading import LoadedTarget

# The closed model draws its operations in a cycle of this length.
_SEQUENCE = 65_536
_TIMEOUTS: tuple[type[BaseException], ...] = (TimeoutError, asyncio.TimeoutError)

Model = OpenModel | ClosedModel


class Send(Protocol):
    """Sender of messages to the supervisor."""

    def __call__(self, message: Message) -> None:
        """Send a message."""


class Driver:
    """One load run: `open` the target, then `drive` it."""

    def __init__(
        self, job: Job, target: LoadedTarget, carrier: Carrier, hosting: Hosting | None = None
    ) -> None:
        self._job = job
        self._target = target
        self._hosting = hosting or Alone()
        self._folder = Path(job.folder)
        self._late = Late(list(target.operations))
        self._has_own_loop = _is_watchable(asyncio.get_event_loop_policy())
        split = Steps(SystemClock.now_ns, self._late) if job.split and self._has_own_loop else None
        self._hook: Steps | Marking = split or Marking(self._late)
        self._instrument = Instrument(
            target, carrier, split=split, current=asyncio.current_task, collects_waits=job.waits, codes=codes_of_task,
            traced_by=job.traced_by,
        )  # fmt: skip
        self._instrument.alive = {"tasks": count_tasks}
        self._late.names = self._instrument.names
        self._in_threads = ThreadWork(SystemClock.now_ns)
        carrier.here = make_here(self._instrument.names, split, self._in_threads.watched)
        self._vetting = Vetting()
        self._walking: Walking | None = None
        self._selector = PacedSelector(SystemClock.now_ns)
        self._selector.split = split
        if self._has_own_loop:
            target.loop.make = self._make_loop

    def _make_loop(self) -> asyncio.AbstractEventLoop:
        self._hook.loop = asyncio.SelectorEventLoop(self._selector)
        return self._hook.loop

    def open(self) -> None:
        """Hook into the target's executors and open it."""
        self._instrument.open()

    def drive(self, mix: Mapping[str, float], send: Send) -> None:
        """Carry out the plan and write the table of calls and `facts.json` into the job's folder.

        Raises `RefusedError` at the end of a run in which a call cannot be measured.
        """
        job, instrument, loop = self._job, self._instrument, self._target.loop
        instrument.choose(mix)
        self._late.expect()
        assert loop.loop  # noqa: S101 - made here, if the target had nothing to open
        overhead = measured_overhead(instrument, self._late, self._folder / "scratch.npy")
        is_open = job.executor is Executor.OPEN
        table = calls.load(self._folder / RunDirectory.CALLS) if is_open else None
        work = self._prepare(mix, table)
        with Measurement(instrument, self._folder, 0 if table is None else len(table)) as measurement:
            origin_ns = self._hosting.agree_on_origin(job.warmup_s)
            facts = at_origin(overhead, origin_ns)
            model = self._model(mix, table, measurement.calling(work, origin_ns), measurement.delay)
            self._heed_faults(model)
            self._write(facts)
            # Before the supervisor can ask to stop the run. A signal handler of the loop would hear forked children's too.
            with stop_signal.heard(lambda: loop.loop.call_soon_threadsafe(model.stop)):
                send(Started(origin_ns, origin_ns + round(job.duration_s * NS_PER_S)))
                self._run(model, measurement, facts)
        if not is_open or (self._walking and self._walking.walks):
            calls.seal(self._folder / RunDirectory.CALLS)
        if instrument.split and instrument.split.was_taken:
            withdraw_split(self._folder, RunDirectory.CALLS)
        if isinstance(model.trouble, RefusedError):
            raise model.trouble

    def _prepare(self, mix: Mapping[str, float], table: calls.Table | None) -> Work:
        needed = {} if table is None else needed_payloads(mix, table["operation"], table["payload"])
        events = prepare_events(self._target, mix, self._job.seed, needed)
        return self._instrument.make_work(events, _TIMEOUTS, self._vetting)

    def _model(
        self, mix: Mapping[str, float], table: calls.Table | None, calling: Calling, delay: RunDelay
    ) -> Model:
        job, origin_ns = self._job, calling.origin_ns
        end_ns = origin_ns + round(job.duration_s * NS_PER_S)
        make = make_caller(calling, self._late)
        walking = self._walking = self._make_walking(calling, delay, make)
        if table is not None:
            model = OpenModel(
                PlannedRows.of(table),
                walking.make_journey if walking else make,
                calling.recorder,
                origin_ns,
                calling.split,
                in_flight_limit=job.in_flight_limit,
                deadline_ns=end_ns + round(job.drain_s * NS_PER_S),
                delay=delay,
                vetting=self._vetting,
                has_walkers=walking is not None,
            )
            if walking:
                walking.goes_on = lambda intended_ns: intended_ns < end_ns and not model.is_stopping
            return model
        operation, payload = choose(_SEQUENCE, mix, np.random.default_rng(job.seed))
        sequence = self._hosting.share(list(zip(operation.tolist(), payload.tolist(), strict=True)))
        make_calls, pause_s = make_slice(calling, sequence, self._late), None
        if walking and walking.walks:
            make_calls, pause_s = walking.make_step, walking.pause_s
        elif walking:
            make_calls = walking.slice_of(make_calls)
        return ClosedModel(
            make_calls,
            calling.split,
            end_ns=end_ns,
            users=job.users,
            think_time_s=job.think_time_s,
            drain_s=job.drain_s,
            delay=delay,
            vetting=self._vetting,
            pause_s=pause_s,
        )

    def _make_walking(self, calling: Calling, delay: RunDelay, make: Make) -> Walking | None:
        """Return the maker of calls for users with state; None if the target has no such users."""
        journey, job = self._target.journey, self._job
        if not journey.has_users:
            return None
        walks = Walks(journey, calling.work.names, job.seed, job.think_time_s)
        return Walking(calling, walks, delay, make, lambda until_ns: sleep_until(until_ns, self._vetting))

    def _heed_faults(self, model: Model) -> None:
        """End the run at the first fault of the target that makes measuring pointless."""
        judge = self._target.judge

        def end() -> None:
            model.trouble = model.trouble or HarnessError(judge.fault if judge else "")
            model.stop()

        if judge:
            judge.on_fault = end

    def _run(self, model: Model, measurement: Measurement, facts: LoadFacts) -> None:
        job = self._job
        has_pauses = self._walking is not None or (job.executor is Executor.CLOSED and job.think_time_s > 0)

        async def run() -> None:
            # Other work of this task counts as the driver's.
            CALL.set([Owner()])
            until_origin_s = (facts.origin_ns - SystemClock.now_ns()) / NS_PER_S
            asyncio.get_running_loop().call_later(until_origin_s, self._begin, measurement)
            with self._pacing(model), sampling(measurement.sampler):
                await model.run()

        with measurement.watching(pauses=has_pauses), self._marking():
            try:
                self._target.loop.run_to_end(run())
            except asyncio.CancelledError as error:
                raise RefusedError(
                    "The target cancelled a task of the load generator, as a call does that cancels all of asyncio.all_tasks()",
                    remedy="Cancel only tasks that the call itself has started",
                ) from error
            finally:
                # Tasks that are left belong to no run any more.
                self._vetting.is_ending = True
        measurement.write_waits()
        ended_ns = SystemClock.now_ns() - facts.origin_ns
        ended = measurement.end(
            facts,
            ended_ns=min(ended_ns, round(job.duration_s * NS_PER_S)),
            in_flight_peak=model.in_flight_peak,
            stopped=str(model.trouble) if model.trouble else None,
            journeys=self._walking.facts() if self._walking else None,
        )
        is_taken = ended.split_taken or (job.split and not self._has_own_loop)
        self._write(
            msgspec.structs.replace(
                ended,
                left_tasks=self._late.found(),
                in_threads=self._in_threads.found(),
                split_taken=is_taken,
            )
        )

    def _begin(self, measurement: Measurement) -> None:
        measurement.begin()
        self._late.clear()
        self._in_threads.clear()

    @contextlib.contextmanager
    def _pacing(self, model: Model) -> Iterator[None]:
        """Have the arrivals sent at their times during the block: by the selector, in the loop that it belongs to."""
        if not isinstance(model, OpenModel):
            yield
        elif self._has_own_loop:
            self._selector.pacer = model
            try:
                yield
            finally:
                self._selector.pacer = None
        else:
            pacing = asyncio.create_task(model.pace())
            try:
                yield
            finally:
                pacing.cancel()

    @contextlib.contextmanager
    def _marking(self) -> Iterator[None]:
        if not isinstance(self._hook, Marking):
            yield
            return
        self._hook.start()
        try:
            yield
        finally:
            self._hook.stop()

    def _write(self, facts: LoadFacts) -> None:
        write_document(self._folder / RunDirectory.FACTS, facts)


def _is_watchable(policy: asyncio.AbstractEventLoopPolicy) -> bool:
    """Return True if the target left asyncio its own kind of event loop: another one, such as uvloop, has no selector in Python."""
    return type(policy).__module__.partition(".")[0] == "asyncio"
