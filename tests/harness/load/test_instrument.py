"""The in-process instrument: whatever drives the calls can use it, also where there are no greenlets."""

import json
import subprocess
import sys
import textwrap

import numpy as np

from harness.table import calls

ASYNCIO = """
    import asyncio, json, sys
    from pathlib import Path
    from harness.clock import SystemClock
    from harness.load.calling import make_caller
    from harness.load.facts import at_origin
    from harness.load.instrument import Instrument, Measurement
    from harness.load.owner import Owner
    from harness.run.facts import LoadFacts
    from harness.target.carrying import Carrier
    from harness.target.loading import make

    folder = Path(sys.argv[1])
    with Carrier() as carrier:
        target = make("targets.known:failing", {"every": "2"})
        instrument = Instrument(target, carrier, split=None, current=asyncio.current_task)
        instrument.open()
        instrument.choose(target.operations)
        work = instrument.make_work([[None]], (TimeoutError,), lambda _error: None)
        with Measurement(instrument, folder) as measurement:
            origin_ns = SystemClock.now_ns()
            make_call, append = make_caller(measurement.calling(work, origin_ns)), measurement.recorder.appender()

            async def user():
                me = asyncio.current_task()
                instrument.owners[me] = Owner(root=me)
                for _ in range(3):
                    now_ns = SystemClock.now_ns()
                    row = append(0, 0, now_ns - origin_ns, now_ns - origin_ns)
                    make_call(me, row, 0, 0, 0, 0)
                    await asyncio.sleep(0)

            async def users():
                await asyncio.gather(user(), user())

            with measurement.watching(pauses=False):
                measurement.begin()
                asyncio.run(users())
            facts = at_origin(LoadFacts(origin_ns=0, origin_unix_s=0.0), origin_ns)
            facts = measurement.end(facts, ended_ns=1, in_flight_peak=2, stopped=None)
            is_watched = measurement.held_by or measurement.waits
    greenlets = sorted({"gevent", "greenlet", "locust"} & set(sys.modules))
    failed = [[one.operation, one.count] for one in facts.failures]
    print(json.dumps([greenlets, facts.split, failed, bool(is_watched)]))
"""


def test_calls_of_tasks_are_recorded_by_it_and_nothing_of_gevent_is_imported(tmp_path):
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(ASYNCIO), str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert json.loads(said.stdout) == [[], False, [["call", 3]], False]
    calls.seal(tmp_path / "calls.npy")
    table = calls.load(tmp_path / "calls.npy")
    assert len(table) == 6
    assert np.unique(table["outcome"]).size == 2, "every second one has failed"
    assert (table["completed_ns"] >= table["entered_ns"]).all()
