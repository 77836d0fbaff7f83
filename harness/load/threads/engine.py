"""Drive a load run with real threads in a process that nothing has patched.

Threads of one process share the interpreter's lock, and nobody sees a thread wait for it: so service time is not split, and
the CPU time of each call's thread is measured instead. A thread cannot be ended from outside: a call that still runs at the
end of the drain stays `unfinished`, and runs on until the process ends.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np

from harness.clock import NS_PER_S, SystemClock
from harness.errors import HarnessError, RefusedError
from harness.load import stop_signal
from harness.load.calling import Calling, Work
from harness.load.facts import at_origin
from harness.load.instrument import Instrument, Measurement
from harness.load.planned_rows import PlannedRows
from harness.load.threads.closed_model import ClosedModel
from harness.load.threads.crew import Crew
from harness.load.threads.open_model import OpenModel
from harness.load.threads.overhead import measured_overhead
from harness.load.threads.sampling import sampling
from harness.load.threads.walking import Walking
from harness.model import Executor
from harness.plans.plan import choose
from harness.processes.hosting import Alone, Hosting
from harness.processes.job import Job, Message, Started
from harness.run.directory import RunDirectory, write_document
from harness.run.facts import LoadFacts
from harness.table import calls
from harness.target.carrying import Carrier
from harness.target.events import needed_payloads, prepare_events
from harness.target.journeys import Walks
from harness.target.loading import LoadedTarget

# The closed model draws its operations in a cycle of this length.
_SEQUENCE = 65_536

Model = OpenModel | ClosedModel
Send = Callable[[Message], None]


class Driver:
    """One load run: `open` the target, then `drive` it."""

    def __init__(
        self, job: Job, target: LoadedTarget, carrier: Carrier, hosting: Hosting | None = None
    ) -> None:
        self._job = job
        self._hosting = hosting or Alone()
        self._folder = Path(job.folder)
        self._walking: Walking | None = None
        self._instrument = Instrument(
            target,
            carrier,
            split=None,
            current=threading.get_ident,
            collects_waits=False,
            traced_by=job.traced_by,
        )

    def open(self) -> None:
        """Hook into the target's executors and open it."""
        self._instrument.open()

    def drive(self, mix: Mapping[str, float], send: Send) -> None:
        """Carry out the plan and write the table of calls and `facts.json` into the job's folder.

        Raises `RefusedError` at the end of a run in which a call cannot be measured.
        """
        job, instrument = self._job, self._instrument
        instrument.choose(mix)
        overhead = measured_overhead(self._folder / "scratch.npy")
        is_open = job.executor is Executor.OPEN
        table = calls.load(self._folder / RunDirectory.CALLS) if is_open else None
        work = self._prepare(mix, table)
        with Measurement(instrument, self._folder, 0 if table is None else len(table)) as measurement:
            origin_ns = self._hosting.agree_on_origin(job.warmup_s)
            facts = at_origin(overhead, origin_ns)
            model = self._model(mix, table, measurement.calling(work, origin_ns))
            self._heed_faults(model)
            self._write(facts)
            # Before the supervisor can ask to stop the run.
            with stop_signal.heard(model.crew.ask_to_stop):
                send(Started(origin_ns, origin_ns + round(job.duration_s * NS_PER_S)))
                self._run(model, measurement, facts)
        if not is_open or (self._walking and self._walking.walks):
            calls.seal(self._folder / RunDirectory.CALLS)
        if isinstance(model.crew.trouble, RefusedError):
            raise model.crew.trouble

    def _prepare(self, mix: Mapping[str, float], table: calls.Table | None) -> Work:
        needed = {} if table is None else needed_payloads(mix, table["operation"], table["payload"])
        events = prepare_events(self._instrument.target, mix, self._job.seed, needed)
        return self._instrument.make_work(events, (TimeoutError,), _vet)

    def _model(self, mix: Mapping[str, float], table: calls.Table | None, calling: Calling) -> Model:
        job, origin_ns = self._job, calling.origin_ns
        end_ns, crew = origin_ns + round(job.duration_s * NS_PER_S), Crew()
        self._walking = self._make_walking(calling, crew, end_ns)
        if table is not None:
            return OpenModel(
                PlannedRows.of(table),
                calling,
                in_flight_limit=job.in_flight_limit,
                deadline_ns=end_ns + round(job.drain_s * NS_PER_S),
                crew=crew,
                walking=self._walking,
            )
        operation, payload = choose(_SEQUENCE, mix, np.random.default_rng(job.seed))
        return ClosedModel(
            calling,
            self._hosting.share(list(zip(operation.tolist(), payload.tolist(), strict=True))),
            users=job.users,
            end_ns=end_ns,
            think_time_s=job.think_time_s,
            drain_s=job.drain_s,
            crew=crew,
            walking=self._walking,
        )

    def _make_walking(self, calling: Calling, crew: Crew, end_ns: int) -> Walking | None:
        """Return the maker of calls for users with state; None if the target has no such users."""
        journey, job = self._instrument.target.journey, self._job
        if not journey.has_users:
            return None
        walks = Walks(journey, calling.work.names, job.seed, job.think_time_s)
        walking = Walking(calling, walks, crew.gate.lock, crew.stopping)
        walking.goes_on = lambda intended_ns: intended_ns < end_ns and not crew.stopping.is_set()
        return walking

    def _heed_faults(self, model: Model) -> None:
        """End the run at the first fault of the target that makes measuring pointless."""
        if judge := self._instrument.target.judge:
            judge.on_fault = lambda: model.crew.fail(HarnessError(judge.fault))

    def _run(self, model: Model, measurement: Measurement, facts: LoadFacts) -> None:
        begin = threading.Timer((facts.origin_ns - SystemClock.now_ns()) / NS_PER_S, measurement.begin)
        begin.daemon = True
        begin.start()
        try:
            with measurement.watching(pauses=False), sampling(measurement.sampler):
                model.run()
        finally:
            begin.cancel()
        crew, ended_ns = model.crew, SystemClock.now_ns() - facts.origin_ns
        ended = measurement.end(
            facts,
            ended_ns=min(ended_ns, round(self._job.duration_s * NS_PER_S)),
            in_flight_peak=model.in_flight_peak,
            stopped=str(crew.trouble) if crew.trouble else None,
            journeys=self._walking.facts() if self._walking else None,
        )
        halted_ns, longest_halt_ns = crew.halts_ns
        self._write(
            msgspec.structs.replace(
                ended,
                failures=crew.failures(),
                aside_ns=crew.aside_ns(),
                threads=len(crew.callers),
                thread_cpu=crew.cpu(self._instrument.names),
                left_running=crew.running,
                halted_ns=halted_ns,
                longest_halt_ns=longest_halt_ns,
            )
        )

    def _write(self, facts: LoadFacts) -> None:
        write_document(self._folder / RunDirectory.FACTS, facts)


def _vet(error: BaseException) -> None:
    """Raise `error` if it refuses the target: any other exception of a call is its outcome."""
    if isinstance(error, RefusedError):
        raise error
