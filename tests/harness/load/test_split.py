"""The split of service: exact on a clock that only the test moves, and conserved on the real one."""

import json
import re
import subprocess
import sys
import textwrap

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.load.split import Split
from tests.support.paths import ROOT

CHILD = ROOT / "tests" / "support" / "split_child.py"


def run_child(*words):
    """Run Python in a process of its own, where gevent may be met; returns its stdout."""
    done = subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_random_programs_are_split_exactly_into_run_busy_and_idle_and_by_who_held_the_loop(tmp_path):
    # Yields, idle time, greenlets that work for a call (beyond its end too), and background work of the target.
    said = run_child(CHILD, tmp_path / "calls.npy", 0, 150)
    # Nothing but the number of calls: no complaint, neither of a call nor of who held the loop meanwhile.
    assert re.fullmatch(r"\d{4} calls\n", said), said
    assert int(said.split()[0]) >= 1800


LOOP = """
    import json, sys, time
    import gevent
    from gevent.hub import get_hub
    from pathlib import Path

    from harness.table import calls
    from harness.clock import SystemClock
    from harness.load.calling import Calling, Work, make_caller
    from harness.load.owner import Owner
    from harness.load.split import Split
    from harness.target.carrying import Carrier
    from harness.load.current_call import make_here
    from harness.table.recorder import Recorder

    now_ns = time.perf_counter_ns
    split = Split(get_hub(), now_ns)
    carrier = Carrier()
    carrier.here, wrap = make_here(split.owners, ["spin", "sleep", "help"], split, gevent.getcurrent), carrier.bind
    journal = {}

    def spin(name, seconds=0.03):
        start_ns = now_ns()
        while now_ns() < start_ns + seconds * 1e9:
            pass
        journal[name] = [start_ns, now_ns()]

    def sleep(event):
        start_ns = now_ns()
        gevent.sleep(0.01)
        journal["sleep"] = [start_ns, now_ns()]

    def help(event):
        gevent.spawn(wrap(spin), "help").join()

    split.expect(3)
    recorder = Recorder(Path(sys.argv[1]), 0)
    append = recorder.appender()
    work = Work(["spin", "sleep", "help"], [lambda event: spin("spin"), sleep, help], [[None]] * 3, now_ns)
    make = make_caller(Calling(work, recorder, 0, split, split.owners))

    def worker(operation):
        me = gevent.getcurrent()
        split.owners[me] = Owner()
        t = now_ns()
        make(me, append(operation, 0, t, t), operation, 0, 0, 0)

    split.start()
    for group in json.loads(sys.argv[2]):
        gevent.joinall([gevent.spawn(worker, operation) for operation in group])
    split.stop()
    recorder.close()
    names = ["spin", "sleep", "help"]
    print(json.dumps({
        "journal": journal,
        "calls": {
            names[row["operation"]]: {
                "entered": int(row["entered_ns"]), "completed": int(row["completed_ns"]),
                "run": int(row["run_ns"]), "busy": int(row["wait_busy_ns"]),
            } for row in calls.load(Path(sys.argv[1]))
        },
    }))
"""


def looped(tmp_path, *groups):
    """Run groups of calls, each group side by side; returns the calls and what they really did."""
    said = json.loads(run_child("-c", textwrap.dedent(LOOP), tmp_path / "calls.npy", json.dumps(groups)))
    for call in said["calls"].values():
        call["service"] = call["completed"] - call["entered"]
        call["idle"] = call["service"] - call["run"] - call["busy"]
        assert min(call["run"], call["busy"], call["idle"]) >= 0
    return said["calls"], said["journal"]


def length(stretch):
    return stretch[1] - stretch[0]


def test_a_spin_in_one_call_is_the_busy_waiting_of_another(tmp_path):
    calls, journal = looped(tmp_path, [1, 0])
    spun = length(journal["spin"])
    assert journal["sleep"][0] < journal["spin"][0] < journal["spin"][1] < journal["sleep"][1]
    assert calls["sleep"]["busy"] >= spun
    assert calls["sleep"]["run"] <= calls["sleep"]["service"] - spun
    # The one that spins never lets go: all of its service is its own.
    assert calls["spin"]["run"] == calls["spin"]["service"] >= spun
    assert calls["spin"]["busy"] == calls["spin"]["idle"] == 0


def test_a_call_that_waits_alone_waits_idly(tmp_path):
    calls, _ = looped(tmp_path, [1])
    assert calls["sleep"]["busy"] == 0
    assert calls["sleep"]["idle"] > 0


def test_a_greenlet_that_a_call_starts_through_wrap_belongs_to_it(tmp_path):
    calls, journal = looped(tmp_path, [2])
    # What a helper spends before and after its work is no one's, and small; the random programs are exact.
    assert calls["help"]["run"] >= length(journal["help"])
    assert calls["help"]["busy"] <= calls["help"]["service"] - length(journal["help"])


WRAPPING = """
    import gevent
    from gevent.hub import get_hub
    import sys, time
    import greenlet
    from harness.errors import TargetError
    from harness.load.owner import Owner
    from harness.load.split import Split
    from harness.target.carrying import Carrier
    from harness.load.current_call import make_here
    from harness.profiles.stacks.marker import operation_of

    def where(*words, **named):
        return operation_of(sys._getframe(1).f_code.co_name), words, named

    split = Split(get_hub(), time.perf_counter_ns)
    for kept in (split, None):
        owners = split.owners
        carrier = Carrier()
        carrier.here, wrap = make_here(owners, ["GET /a", "b"], kept, gevent.getcurrent), carrier.bind
        me = gevent.getcurrent()
        assert wrap(where) is where, "nobody calls"
        owners[me] = Owner()
        assert wrap(where) is where, "the driver is between calls"
        owners[me].holder = 0
        bound = wrap(where)
        owners[me].holder = 1
        assert bound(1, two=2) == ("GET /a", (1,), {"two": 2}), "the operation of the call that wrapped it"
        owners.clear()

    split.start()
    try:
        Split(get_hub(), time.perf_counter_ns).start()
    except TargetError as error:
        print(error.remedy)
    split.stop()
    assert greenlet.gettrace() is None
"""


def test_wrapping_marks_work_with_its_operation_and_only_one_tool_may_trace():
    assert (
        run_child("-c", textwrap.dedent(WRAPPING))
        == "Remove that hook, or run with --no-split, which does not split service time\n"
    )


def hold(split, start_ns, end_ns):
    """Let the target have the loop for so long."""
    split.mark_ns = start_ns
    split._close(split._background, end_ns)


STRETCHES = st.lists(
    st.tuples(
        st.one_of(st.just(0), st.integers(1, 4_000), st.integers(5_000, 50_000)), st.integers(1, 30_000)
    ),
    max_size=30,
)


def merged(stretches):
    """Stretches that are less than 5 us apart are one: between them the hub only picked the next greenlet."""
    found = []
    for start, end in stretches:
        if found and start - found[-1][1] < 5_000:
            found[-1][1] = end
        else:
            found.append([start, end])
    return found


@settings(max_examples=300, deadline=None)
@given(STRETCHES, st.integers(0, 400_000), st.lists(st.integers(0, 500_000), min_size=1, max_size=10))
def test_how_long_the_target_held_the_loop_since_an_arrival_is_exact(gaps_and_lengths, due_ns, later_ns):
    split = Split(object(), lambda: 0)
    split.watch(due_ns)
    time_ns, stretches = 0, []
    for gap_ns, length_ns in gaps_and_lengths:
        stretches.append((time_ns + gap_ns, time_ns + gap_ns + length_ns))
        time_ns += gap_ns + length_ns
        hold(split, *stretches[-1])
    assert split.target_ns == sum(length_ns for _, length_ns in gaps_and_lengths)
    beyond = merged([stretch for stretch in stretches if stretch[1] > due_ns])
    for from_ns in sorted({due_ns, *(due_ns + moved for moved in later_ns)}):
        wanted = sum(end - max(start, from_ns) for start, end in beyond if end > from_ns)
        assert split.holds.since_ns(from_ns) == wanted


def test_a_new_watch_forgets_what_was_held_before():
    split = Split(object(), lambda: 0)
    split.watch(100)
    hold(split, 50, 1_000)
    assert split.holds.since_ns(100) == 900
    split.watch(2_000)
    assert split.holds.since_ns(2_000) == 0
    hold(split, 1_500, 1_900)
    assert split.holds.since_ns(2_000) == 0


def test_without_a_watch_nothing_is_remembered():
    split = Split(object(), lambda: 0)
    hold(split, 0, 10**12)
    assert split.holds.since_ns(0) == 0
    assert split.target_ns == 10**12


def test_the_tests_themselves_are_not_patched():
    monkey = sys.modules.get("gevent.monkey")
    assert monkey is None or not monkey.is_module_patched("threading")
    assert "locust" not in sys.modules
