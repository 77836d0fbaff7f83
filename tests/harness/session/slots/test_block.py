"""One block: what chance decides, what is measured, and what becomes of slots that fail."""

import os
import random
import signal
import subprocess
import sys

import pytest

from harness.session.receipt import NULL_CONTROL, Benchmark, Phase
from harness.session.slots import block as block_module
from harness.session.slots.block import BlockRequest, Stage, draw, equal_padding, run_block
from harness.session.slots.fixed_layout import ADDR_NO_RANDOMIZE
from harness.session.slots.launch import Home, Launch, Limits, slot_environment
from harness.session.slots.slot import LAYOUT
from tests.support.processes import survivors
from tests.support.session import bare_bench, homes, supervised

THREE = [Benchmark(name=name) for name in ("a", "b", "c")]
CONTROL = Benchmark(name=NULL_CONTROL, of="b")


def request(benchmarks, seed=1):
    return BlockRequest(0, Phase.SCREEN, seed, benchmarks)


def test_the_same_seed_draws_the_same_block():
    draws = [draw(request(THREE), random.Random(7), [0, 1]) for _ in range(2)]
    assert draws[0] == draws[1]
    assert draw(request(THREE), random.Random(8), [0, 1]) != draws[0]


def test_every_order_of_sides_and_benchmarks_and_every_cpu_is_drawn():
    draws = [draw(request(THREE), random.Random(seed), [0, 1]) for seed in range(200)]
    assert len({one.order for one in draws}) == 6
    assert {one.spawned for one in draws} == {("base", "candidate"), ("candidate", "base")}
    assert {one.cpu for one in draws} == {0, 1}


def test_the_benchmark_of_the_null_control_comes_first_and_brings_a_third_slot():
    draws = [draw(request([*THREE, CONTROL]), random.Random(seed), [0]) for seed in range(50)]
    assert {one.order[0] for one in draws} == {"b"}
    assert {frozenset(one.spawned) for one in draws} == {frozenset({"base", "candidate", "null"})}
    assert len({one.spawned for one in draws}) == 6


def test_the_null_control_runs_its_benchmark_even_if_that_is_decided_already():
    assert draw(request([THREE[0], CONTROL]), random.Random(1), [0]).order == ("b", "a")


def test_all_environments_of_a_block_are_of_one_size(tmp_path):
    sides = {
        "base": Home("base", tmp_path, environment={"LONG": "x" * 99}),
        "candidate": Home("candidate", tmp_path),
    }
    launches = {side: Launch(()) for side in sides}
    padding = equal_padding(sides, launches, 17)
    sizes = {
        sum(
            len(f"{name}={value}")
            for name, value in slot_environment(sides[side], Launch((), padding_bytes=padding[side])).items()
        )
        for side in sides
    }
    assert len(sizes) == 1
    assert min(padding.values()) == 17


def test_a_block_of_the_control_alone_has_the_sentinel_and_the_import_of_all_slots(stage):
    (a,) = marks("a")
    done = run_block(stage, request([Benchmark(name=NULL_CONTROL, of=a.name, calls=10, pairs=3)]))
    assert done.trouble is None
    assert list(done.slices) == [NULL_CONTROL]
    values = (done.sentinel.base_ns, done.sentinel.candidate_ns, done.sentinel.null_ns)
    assert [len(each) for each in values] == [4, 4, 4]
    assert set(done.import_ns) == {"base", "candidate", "null"}


PLACES = """import pathlib
def test_a(benchmark):
    fresh = [1.5 * number for number in range(9)]
    with open(pathlib.Path(__file__).with_name("places"), "a") as file:
        print(id(fresh), id(fresh[0]), file=file)
    benchmark(sum, fresh)
"""


def layouts_may_be_fixed():
    """Some containers forbid it; blocks scatter more there, and say so."""
    show = "print(open('/proc/self/personality').read())"
    command = [sys.executable, "-I", "-S", LAYOUT, sys.executable, "-c", show]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return bool(int(done.stdout, 16) & ADDR_NO_RANDOMIZE)


@pytest.mark.skipif(not layouts_may_be_fixed(), reason="this kernel's addresses stay random")
def test_both_sides_of_a_block_have_the_same_places_in_memory_and_blocks_differ(stage):
    """The first block compiles, and may differ; a kernel that forbids it would give two places each time."""
    (stage.bench.folder / "test_bench.py").write_text(PLACES)
    for seed in range(3):
        assert run_block(stage, request(marks("a"), seed)).trouble is None
    lines = (stage.bench.folder / "places").read_text().splitlines()
    pairs = list(zip(lines[::2], lines[1::2], strict=True))
    assert sum(first == second for first, second in pairs) >= 2
    assert len(set(lines)) >= 2


SUITE = """import os, pytest
def test_a(benchmark): benchmark(sum, range(50))
def test_b(benchmark): benchmark(sum, range(50))
@pytest.mark.skipif("FAIL" not in os.environ, reason="")
def test_fails(benchmark):
    benchmark(int)
    assert "CANDIDATE" not in os.environ
"""


@pytest.fixture
def stage(tmp_path):
    with supervised() as supervisor:
        names = ("a", "b", "fails")
        yield Stage(
            supervisor,
            bare_bench(tmp_path / "bench", SUITE),
            homes(tmp_path),
            {f"test_bench.py::test_{name}": "test_bench.py" for name in names},
            tmp_path / "log",
            Limits(start_s=30, ready_s=30, slice_s=30, end_s=10),
        )


def marks(*names, pairs=3):
    return [Benchmark(name=f"test_bench.py::test_{name}", calls=10, pairs=pairs) for name in names]


def test_a_block_has_pairs_of_slices_of_every_benchmark_and_of_the_base_against_itself(stage):
    a, b = marks("a", "b")
    control = Benchmark(name=NULL_CONTROL, of=a.name, calls=10, pairs=3)
    done = run_block(stage, request([a, b, control]))
    assert done.trouble is None, done.trouble
    assert {name: len(slices.first) for name, slices in done.slices.items()} == {
        a.name: 3,
        b.name: 3,
        NULL_CONTROL: 3,
    }
    # One series of triplets: the null control reads the very slices of the base.
    assert done.slices[NULL_CONTROL].base_ns == done.slices[a.name].base_ns
    assert done.slices[NULL_CONTROL].candidate_ns != done.slices[a.name].candidate_ns
    for slices in done.slices.values():
        lists = (slices.base_ns, slices.candidate_ns, slices.base_cpu_ns, slices.candidate_cpu_ns)
        assert {len(values) for values in lists} == {len(slices.first)}
        assert all(value > 0 for values in lists for value in values)
    assert set(done.import_ns) == set(done.spawned) == {"base", "candidate", "null"}
    assert set(done.import_cpu_ns) == set(done.spawned)
    assert all(0 < done.import_cpu_ns[side] <= 2 * done.import_ns[side] for side in done.spawned)
    # Three times in the series of the null control, twice before or in the other one, and after the last.
    assert [len(values) for values in (done.sentinel.base_ns, done.sentinel.candidate_ns)] == [6, 6]
    assert len(done.sentinel.null_ns) == 4
    assert {name: set(sides) for name, sides in done.first_calls.items()} == {
        name: {"base", "candidate"} for name in (a.name, b.name, NULL_CONTROL)
    }
    assert all(
        first.wall_ns > 0 and first.cpu_ns > 0
        for sides in done.first_calls.values()
        for first in sides.values()
    )
    assert done.first_calls[NULL_CONTROL]["base"] == done.first_calls[a.name]["base"]
    # No thread and no child: nothing of what concurrent benchmarks have.
    assert (done.beside, done.idle_cpu) == ({}, {})
    assert not any(slices.base_other_cpu_ns for slices in done.slices.values())
    assert done.cpu in os.sched_getaffinity(0)
    assert done.fixed_layout is layouts_may_be_fixed()
    assert done.failed == {}


COUNTED = """import os, pytest
from pathlib import Path
calls = []
@pytest.fixture(scope="session", autouse=True)
def count():
    yield
    Path(__file__).with_name(f"{os.getpid()}.calls").write_text(str(len(calls)))
def test_a(benchmark): benchmark(calls.append, 1)
"""


def test_all_slots_make_the_same_calls(stage):
    """A benchmark whose state changes with its calls is compared state by state."""
    (stage.bench.folder / "test_bench.py").write_text(COUNTED)
    (mark,) = marks("a", pairs=4)
    marked = Benchmark(name=mark.name, calls=10, pairs=4, warm_calls=123)
    control = Benchmark(name=NULL_CONTROL, of=mark.name, calls=10, pairs=4, warm_calls=123)
    done = run_block(stage, request([marked, control]))
    assert done.trouble is None
    # The call that is looked at, warm-up, one slice that does not count, four that do, and the call whose result the test
    # gets.
    calls = 1 + 123 + 10 + 4 * 10 + 1
    assert [path.read_text() for path in stage.bench.folder.glob("*.calls")] == [str(calls)] * 3
    assert done.calls == {mark.name: calls}


SEEDED = """import os
from pathlib import Path
def test_a(benchmark):
    with Path(__file__).with_name("seeds").open("a") as file:
        print(benchmark.seed, file=file)
    benchmark(sum, [1])
"""


def test_the_seed_of_inputs_is_the_same_in_all_slots_and_another_one_in_each_block(stage):
    (stage.bench.folder / "test_bench.py").write_text(SEEDED)
    (mark,) = marks("a")
    control = Benchmark(name=NULL_CONTROL, of=mark.name, calls=10, pairs=3)
    for seed in (1, 2):
        assert run_block(stage, request([mark, control], seed)).trouble is None
    seeds = (stage.bench.folder / "seeds").read_text().split()
    assert [len(set(seeds[:3])), len(set(seeds[3:])), len(set(seeds))] == [1, 1, 2]


def test_a_benchmark_that_fails_in_one_slot_is_measured_in_none(stage):
    names = marks("fails", "a")
    loud = {side: Home(side, home.overlay, environment={"FAIL": "1"}) for side, home in stage.homes.items()}
    loud["candidate"] = Home(
        "candidate", loud["candidate"].overlay, environment={"FAIL": "1", "CANDIDATE": "1"}
    )
    done = run_block(block_module.dataclasses.replace(stage, homes=loud), request(names))
    assert done.trouble is None
    assert list(done.slices) == ["test_bench.py::test_a"]
    assert done.failed["test_bench.py::test_fails"].startswith("candidate: AssertionError")


def test_a_block_whose_only_benchmark_fails_is_trouble_with_its_reason(stage):
    done = run_block(stage, request(marks("fails")))
    assert done.trouble.startswith("test_bench.py::test_fails: ")
    assert done.trouble.endswith("Skipped")
    assert done.sentinel is None


def test_a_benchmark_that_is_skipped_in_a_slot_is_named(stage):
    done = run_block(stage, request(marks("fails", "a")))
    assert done.failed["test_bench.py::test_fails"].endswith("Skipped")
    assert list(done.slices) == ["test_bench.py::test_a"]


def test_a_killed_slot_makes_a_block_with_trouble_and_leaves_no_process(stage, monkeypatch):
    pids = []
    real = block_module.start_slot

    def start_and_note(*args):
        slot = real(*args)
        pids.append(slot.child.pid)
        return slot

    def kill_then_measure(turns, *rest):
        os.kill(turns.of("candidate").child.pid, signal.SIGKILL)
        return measure(turns, *rest)

    measure = block_module.measure_series
    monkeypatch.setattr(block_module, "start_slot", start_and_note)
    monkeypatch.setattr(block_module, "measure_series", kill_then_measure)
    done = run_block(stage, request(marks("a")))
    assert "candidate's slot was killed by SIGKILL while measuring test_bench.py::test_a" in done.trouble
    assert done.slices == {}
    assert survivors(pids) == set()


def test_a_slot_that_hangs_is_given_up(stage, tmp_path):
    (stage.bench.folder / "test_bench.py").write_text("import time\ndef test_a(benchmark): time.sleep(60)\n")
    hasty = block_module.dataclasses.replace(stage, limits=Limits(ready_s=0.2))
    assert (
        "did not answer within 0.2 s while setting up test_bench.py::test_a"
        in run_block(hasty, request(marks("a"))).trouble
    )
