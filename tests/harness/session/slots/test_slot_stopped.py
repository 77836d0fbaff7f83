"""A stopped slot: it can be killed, resumed and left, and nothing of it stays stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.session.receipt import Benchmark, Concurrency, Phase
from harness.session.slots import block as block_module
from harness.session.slots.block import BlockRequest, Stage, run_block
from harness.session.slots.launch import Launch, Limits
from harness.session.slots.slot import start_slot
from tests.support.paths import ROOT
from tests.support.processes import descendants, is_alive, survivors
from tests.support.session import bare_bench, homes, supervised

SUITE = """
import os, subprocess, pytest
from pathlib import Path

@pytest.fixture(scope="session")
def helpers():
    left = subprocess.Popen(["setsid", "sleep", "60"])
    child = subprocess.Popen(["sleep", "60"])
    while os.getpgid(left.pid) == os.getpgid(0): pass
    with (Path(__file__).parent / "left").open("a") as file: print(left.pid, file=file)
    yield
    left.kill(), left.wait(), child.kill(), child.wait()

def test_a(benchmark, helpers): benchmark(sum, range(50))
"""
NAME = "test_bench.py::test_a"


@pytest.fixture
def stage(tmp_path):
    with supervised() as supervisor:
        bench = bare_bench(tmp_path / "bench", SUITE)
        limits = Limits(start_s=30, ready_s=30, slice_s=30, end_s=10)
        yield Stage(supervisor, bench, homes(tmp_path), {NAME: "test_bench.py"}, tmp_path / "log", limits)
        for pid in left(tmp_path):
            os.kill(pid, signal.SIGKILL)


def left(folder):
    """Return the living processes that left the group of their slot."""
    file = folder / "bench" / "left"
    return [pid for pid in map(int, file.read_text().split()) if is_alive(pid)] if file.exists() else []


def is_stopped(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def wait_until(condition):
    deadline_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def started(stage):
    launch = Launch((stage.bench.suite,), [NAME])
    slot = start_slot(stage.supervisor, stage.homes["base"], stage.bench, launch, stage.log, stage.limits)
    slot.collect()
    slot.move_on()
    slot.enter(NAME)
    return slot


def test_a_slot_that_is_left_while_stopped_is_killed_with_its_group_and_resumes_the_rest(stage, tmp_path):
    with started(stage) as slot:
        everyone = {slot.child.pid, *descendants(slot.child.pid)}
        assert len(everyone) == 3
        slot.stop()
        wait_until(lambda: all(map(is_stopped, everyone)))
        slot.stop()
    (other,) = left(tmp_path)
    assert survivors(everyone - {other}) == set()
    assert not is_stopped(other)


def test_a_stopped_slot_goes_on_where_it_was(stage):
    with started(stage) as slot:
        slot.begin()
        slot.stop()
        slot.resume()
        wall_ns, cpu_ns, other_ns = slot.slice_of_all_ns(10)
        assert min(wall_ns, cpu_ns) > 0 <= other_ns
        slot.move_on()
        assert slot.finish().kind == "ended"


def test_an_interrupted_block_leaves_nothing_stopped(stage, tmp_path, monkeypatch):
    """Ctrl-C and a used-up budget end a block by an exception, here in the middle of a series."""
    pids, real = [], block_module.start_slot

    def start_and_note(*args):
        slot = real(*args)
        pids.append(slot.child.pid)
        return slot

    class Interrupting(block_module.Turns):
        def of(self, name):
            slot = super().of(name)
            if len(pids) == 2 and len(left(tmp_path)) == 2 and (tmp_path / "begun").exists():
                assert sum(map(is_stopped, pids)) == 1
                raise KeyboardInterrupt
            return slot

    def measure(*args):
        (tmp_path / "begun").touch()
        return series(*args)

    series = block_module.measure_series
    monkeypatch.setattr(block_module, "start_slot", start_and_note)
    monkeypatch.setattr(block_module, "Turns", Interrupting)
    monkeypatch.setattr(block_module, "measure_series", measure)
    mark = Benchmark(name=NAME, calls=10, pairs=3, concurrency=Concurrency.CHILDREN)
    with pytest.raises(KeyboardInterrupt):
        run_block(stage, BlockRequest(0, Phase.SCREEN, 1, [mark]))
    assert survivors(pids) == set()
    assert not any(map(is_stopped, left(tmp_path)))


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.harness.session.slots.test_slot_stopped import *
folder = Path(sys.argv[1])
with supervised() as supervisor:
    bench = bare_bench(folder / "bench", SUITE)
    slot = started(Stage(supervisor, bench, homes(folder), {}, folder / "log"))
    slot.stop()
    everyone = [slot.child.pid, *descendants(slot.child.pid)]
    wait_until(lambda: all(map(is_stopped, everyone)))
    print(*everyone, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_session_leaves_no_stopped_process_not_even_outside_of_the_groups(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    everyone = [int(pid) for pid in done.stdout.split()]
    assert len(everyone) == 3, done.stderr
    assert done.returncode == -signal.SIGKILL
    assert survivors(everyone) == set()
