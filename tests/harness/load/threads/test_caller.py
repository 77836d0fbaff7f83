"""Many threads write one table: each call is one row, with its own times, and is counted once."""

import itertools
import threading
import time

import numpy as np

from harness.clock import SystemClock
from harness.load.calling import Calling, Work
from harness.load.threads.caller import Caller, Gate
from harness.model import Outcome
from harness.table import calls
from harness.table.recorder import Recorder
from harness.target.failures import merged

THREADS, CALLS_EACH = 8, 6_000


class Many:
    """Threads that append to one table at once, and the journal that each of them keeps for itself."""

    def __init__(self, path, call):
        self.journals = [[] for _ in range(THREADS)]
        self._mine = threading.local()
        self.path, self._call, self.gate = path, call, Gate()

    def noted(self, event):
        start_ns = SystemClock.now_ns()
        try:
            self._call(event)
        finally:
            self._mine.journal.append((event, start_ns, SystemClock.now_ns()))

    def run(self):
        with Recorder(self.path, 0) as recorder:
            work = Work(["call"], [self.noted], [list(range(CALLS_EACH))], SystemClock.now_ns)
            calling = Calling(work, recorder, 0, None, {})
            callers = [Caller(calling, self.gate) for _ in range(THREADS)]
            append = recorder.appender()
            threads = [
                threading.Thread(target=self._work, args=(caller, journal, append))
                for caller, journal in zip(callers, self.journals, strict=True)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        calls.seal(self.path)
        return callers, calls.load(self.path)

    def _work(self, caller, journal, append):
        self._mine.journal, following, payloads = journal, [], itertools.count()

        def claim(at_ns):
            payload = next(payloads)
            if payload < CALLS_EACH:
                following.append((append(0, payload, at_ns, at_ns), 0, payload, at_ns))

        make = caller.make(claim)
        with self.gate.lock:
            claim(SystemClock.now_ns())
        while following:
            assert make(*following.pop(), 0, 0) is not None


def test_every_call_of_every_thread_is_one_row_with_its_own_times(tmp_path):
    # More rows than are reserved at once: the table grows, and moves, under the threads.
    many = Many(tmp_path / "calls.npy", lambda _event: None)
    callers, rows = many.run()
    assert len(rows) == THREADS * CALLS_EACH > 2 * 16_384
    assert (rows["outcome"] == Outcome.COMPLETED).all()
    assert (rows["run_ns"] == -1).all()
    assert many.gate.ended == sum(one.calls for caller in callers for one in caller.cpu()) == len(rows)
    records = np.array([record for journal in many.journals for record in journal])
    # The calls of one event never overlap with more than seven others: each record lies within one row of its event.
    order = np.argsort(rows["payload"], kind="stable")
    of_event = rows[order].reshape(CALLS_EACH, THREADS)
    records = records[np.argsort(records[:, 0], kind="stable")].reshape(CALLS_EACH, THREADS, 3)
    entered, completed = of_event["entered_ns"][:, :, None], of_event["completed_ns"][:, :, None]
    inside = (entered <= records[:, None, :, 1]) & (records[:, None, :, 2] <= completed)
    assert inside.any(axis=1).all()
    assert inside.any(axis=2).all()


def test_failures_are_counted_as_often_as_they_are_in_the_table(tmp_path):
    def call(event):
        if event % 5 == 0:
            raise KeyError(event)
        if event % 7 == 0:
            raise SystemExit

    many = Many(tmp_path / "calls.npy", call)
    callers, rows = many.run()
    failed = int((rows["outcome"] == Outcome.FAILED).sum())
    counts = {one.what: one.count for one in merged([caller.failures for caller in callers])}
    assert sum(counts.values()) == failed
    assert counts["KeyError"] == THREADS * CALLS_EACH // 5
    assert counts.keys() == {"KeyError", "SystemExit"}


def test_the_cpu_time_of_a_call_is_that_of_its_thread(tmp_path):
    def call(event):
        if event == 0:
            end_ns = time.thread_time_ns() + 20_000_000
            while time.thread_time_ns() < end_ns:
                pass
        if event == 1:
            time.sleep(0.02)

    many = Many(tmp_path / "calls.npy", call)
    callers, _ = many.run()
    for caller in callers:
        (found,) = caller.cpu()
        # One call computes for 20 ms; the one that sleeps as long uses none of it, nor do the other threads.
        assert found.cpu_ns >= 20_000_000
        assert caller.aside_cpu_ns[0] > 0
    assert sum(caller.cpu()[0].cpu_ns for caller in callers) < 2 * time.process_time_ns()


def test_a_call_that_ends_after_the_gate_has_closed_stays_unfinished(tmp_path):
    gate = Gate()
    with Recorder(tmp_path / "calls.npy", 0) as recorder:

        def call(_event):
            gate.close()
            raise KeyError

        work = Work(["call"], [call], [[None]], SystemClock.now_ns)
        caller = Caller(Calling(work, recorder, 0, None, {}), gate)
        row = recorder.appender()(0, 0, 5, 5)
        assert caller.make()(row, 0, 0, 5, 0, 0) is None
    calls.seal(tmp_path / "calls.npy")
    (only,) = calls.load(tmp_path / "calls.npy")
    assert only["outcome"] == Outcome.UNFINISHED
    assert only["completed_ns"] == 0
    assert caller.failures == []
    assert gate.ended == caller.cpu()[0].calls == 0
