"""The functions behind what regressed: a planted slow function is named, with its size, and nothing else is."""

import msgspec
import pytest

from harness.exact.frames import NO_FUNCTION
from harness.explain import rounds, suspects
from harness.explain.rounds import ROOT, Profiled, profile_rounds, seconds_needed, within_calls
from harness.explain.suspects import (
    MOST_FUNCTIONS,
    MOST_PROFILED,
    explain,
    largest_changes,
    ns_per_call,
    profiled_benchmarks,
    suspects_in,
    suspects_of,
)
from harness.profiles.stacks.folded import Profile
from harness.session.receipt import (
    Benchmark,
    Block,
    Count,
    Phase,
    Side,
    Slices,
)
from tests.support import judge as judge_support
from tests.support.exact_suite import a_benchmark, a_stage

SUITE = """
import toy
def test_answer(benchmark):
    assert benchmark(toy.answer)
def test_parse(benchmark):
    assert benchmark(toy.parse)
"""
BASE = """
def spin(loops):
    for _ in range(loops):
        pass
    return True
def parse():
    return spin(2_000)
def render(loops=1_000):
    for _ in range(loops):
        pass
    return True
def answer():
    return parse() and render()
"""
SLOW = BASE.replace("loops=1_000", "loops=4_000")
# Every loop costs the same: a call takes 3,000 of them, or 6,000, and `parse` 2,000.
BASE_NS, SLOW_NS, PARSE_NS = 30_000, 60_000, 20_000
NAME, SAME = "test_toy.py::test_answer", "test_toy.py::test_parse"


@pytest.fixture(scope="module")
def profiled(supervisor, tmp_path_factory):
    """Both sides in five rounds: one benchmark with a slow function, and one that is the same."""
    stage = a_stage(supervisor, tmp_path_factory.mktemp("sides"), SUITE, BASE, SLOW)
    marks = [a_benchmark("test_answer"), a_benchmark("test_parse")]
    return profile_rounds(stage, marks, seed=1, seconds=0.2)


def a_block(number, phase, base_ns, candidate_ns, name=NAME, **cpu):
    slices = Slices(base_ns=[base_ns] * 3, candidate_ns=[candidate_ns] * 3, first=[0, 1, 0], **cpu)
    return Block(
        number=number, phase=phase, seed=1, cpu=0, spawned=["base", "candidate"], slices={name: slices}
    )


@pytest.mark.measures
def test_a_planted_slow_function_is_named_with_its_size_and_nothing_else_is(profiled):
    block = a_block(0, Phase.CONFIRM, BASE_NS, SLOW_NS)
    found = suspects_in(a_benchmark("test_answer"), "wall", [block], profiled[NAME])
    assert (found.benchmark, found.metric) == (NAME, "wall")
    assert [one.function for one in found.functions] == ["render (toy/__init__.py)"]
    (render,) = found.functions
    assert render.candidate - render.base == pytest.approx(SLOW_NS - BASE_NS, rel=0.2)
    assert "Tested on 5 interleaved profiles a side" in found.note
    assert "95 % intervals of the difference per call: render +" in found.note


@pytest.mark.measures
def test_a_benchmark_that_is_the_same_names_nothing_and_says_what_it_would_take(profiled):
    block = a_block(0, Phase.CONFIRM, PARSE_NS, round(1.02 * PARSE_NS), SAME)
    found = suspects_in(a_benchmark("test_parse"), "wall", [block], profiled[SAME])
    assert found.functions == []
    assert "No function is distinguishable with" in found.note
    assert "about 4" in found.note


@pytest.mark.measures
def test_fewer_than_five_rounds_call_nothing_changed_and_say_how_many_are_missing(profiled):
    few = Profiled({side: runs[:3] for side, runs in profiled[NAME].by_side.items()})
    found = suspects_in(a_benchmark("test_answer"), "wall", [], few)
    assert found.functions == []
    assert "2 more a side are needed" in found.note


@pytest.mark.measures
def test_sides_that_change_places_change_the_sign_alone(profiled):
    there = suspects_in(
        a_benchmark("test_answer"), "wall", [a_block(0, Phase.SCREEN, BASE_NS, SLOW_NS)], profiled[NAME]
    )
    by_side = profiled[NAME].by_side
    swapped = Profiled({Side.BASE: by_side[Side.CANDIDATE], Side.CANDIDATE: by_side[Side.BASE]})
    back = suspects_in(
        a_benchmark("test_answer"), "wall", [a_block(0, Phase.SCREEN, SLOW_NS, BASE_NS)], swapped
    )
    assert [(one.function, one.base, one.candidate) for one in back.functions] == [
        (one.function, one.candidate, one.base) for one in there.functions
    ]


@pytest.mark.measures
def test_what_waits_is_said_to_be_in_no_cpu_profile(profiled):
    block = a_block(
        0, Phase.CONFIRM, 100_000, 5_000_000, SAME, base_cpu_ns=[90_000] * 3, candidate_cpu_ns=[90_000] * 3
    )
    found = suspects_in(a_benchmark("test_parse"), "wall", [block], profiled[SAME])
    assert found.functions == []
    assert "look for waiting" in found.note


def test_what_cannot_be_profiled_is_said_and_nothing_is_named(supervisor, tmp_path):
    stage = a_stage(supervisor, tmp_path, SUITE, BASE, BASE.replace("def answer", "def question"))
    benchmark = a_benchmark("test_answer")
    found = suspects_in(
        benchmark, "wall", [], profile_rounds(stage, [benchmark], 1, seconds=0.1, rounds=1)[NAME]
    )
    assert found.functions == []
    assert "candidate: the benchmark did not run" in found.note


def test_rounds_are_bounded_however_many_benchmarks_there_are():
    assert seconds_needed(1) < seconds_needed(MOST_PROFILED) <= seconds_needed(1000) == rounds.MOST_S


def test_a_call_takes_what_the_slices_of_confirmation_say():
    blocks = [
        a_block(0, Phase.SCREEN, 900, 900),
        a_block(1, Phase.CONFIRM, 100, 120),
        a_block(2, Phase.CONFIRM, 102, 122),
    ]
    benchmark = Benchmark(name=NAME, calls=10, base_ns=5.0, candidate_ns=6.0)
    assert ns_per_call(benchmark, blocks) == (10.1, 12.1)
    assert ns_per_call(benchmark, blocks[:1]) == (90.0, 90.0)
    assert ns_per_call(benchmark, []) == (5.0, 6.0)
    block = a_block(0, Phase.CONFIRM, 100, 120, base_cpu_ns=[70] * 3, candidate_cpu_ns=[80] * 3)
    assert ns_per_call(benchmark, [block], of_cpu=True) == (7.0, 8.0)
    assert ns_per_call(benchmark, blocks, of_cpu=True) == (10.1, 12.1)


def test_the_largest_change_comes_first_whichever_way_it_goes():
    base = {"same": 5.0, "grown": 1.0, "gone": 3.0}
    changes = largest_changes(base, {"same": 5.0, "grown": 2.0, "new": 2.5}, unit="ns")
    assert [(one.function, one.base, one.candidate) for one in changes] == [
        ("gone", 3.0, 0.0),
        ("new", 0.0, 2.5),
        ("grown", 1.0, 2.0),
    ]


def test_no_more_functions_are_listed_than_one_reads():
    many = {f"function {number}": float(number) for number in range(1, 30)}
    assert len(largest_changes({}, many, unit="ns")) == MOST_FUNCTIONS
    assert largest_changes(many, many, unit="ns") == []


def test_samples_of_the_slot_itself_are_nobodys_and_its_own_frames_are_cut():
    run = "timed_loop.<locals>.run (harness/session/slots/slot_program.py)"
    profile = Profile(
        "samples",
        {
            ("operation:calls", run, "answer (toy.py)"): 5,
            ("operation:calls", run): 2,
            ("(outside)", "Thread._bootstrap (threading.py)", "work (toy.py)"): 3,
            ("(driver)", "main (harness/session/slots/slot_program.py)"): 9,
        },
    )
    assert within_calls(profile).stacks == {
        (ROOT, "answer (toy.py)"): 5,
        (ROOT, NO_FUNCTION): 2,
        ("(outside)", "Thread._bootstrap (threading.py)", "work (toy.py)"): 3,
    }


COUNT = Count(
    benchmark="GET /a", metric="calls.dynamodb", requests=10, base=[2.0], candidate=[3.0],
    base_sites={"fetch": 2.0}, candidate_sites={"fetch": 2.0, "check": 1.0},
)  # fmt: skip


def test_what_regressed_is_explained_by_sites_or_by_a_profile_and_nothing_else_is(
    supervisor, tmp_path, monkeypatch
):
    asked = []

    def profiled(_stage, marks, *_, **__):
        asked.extend(one.name for one in marks)
        return {one.name: Profiled() for one in marks}

    monkeypatch.setattr(suspects, "profile_rounds", profiled)
    stage = a_stage(supervisor, tmp_path, SUITE, BASE, SLOW)
    receipt = judge_support.receipt(benchmarks=[a_benchmark("test_answer")], counts=[COUNT])
    regressed = [("GET /a", "calls.dynamodb"), (NAME, "wall"), ("GET /a", "p99_ns")]
    assert profiled_benchmarks(receipt, regressed) == {NAME: "wall"}
    assert [one.metric for one in explain(receipt, regressed, stage, 0.1)] == ["calls.dynamodb", "wall"]
    assert [one.metric for one in explain(receipt, regressed, None)] == ["calls.dynamodb"]
    assert explain(receipt, [], stage) == []
    assert asked == [NAME]


def test_a_benchmark_of_which_several_times_regressed_is_profiled_once_for_the_first_of_them():
    receipt = judge_support.receipt(benchmarks=[Benchmark(name=NAME)])
    regressed = [(NAME, "wall"), (NAME, "cpu_mean"), (NAME, "first_call"), ("import", "cold_start")]
    assert profiled_benchmarks(receipt, regressed) == {NAME: "wall"}
    assert profiled_benchmarks(receipt, regressed[1:]) == {NAME: "cpu_mean"}
    assert profiled_benchmarks(receipt, regressed[2:]) == {}


def test_the_sites_of_an_exact_metric_are_its_suspects():
    found = suspects_of(COUNT)
    assert [(one.function, one.base, one.candidate) for one in found.functions] == [("check", 0.0, 1.0)]
    assert found.functions[0].unit == "calls"
    assert found.note == "Counted: all repetitions agree."


def test_sites_of_repetitions_that_differ_are_said_to_be_of_the_first():
    found = suspects_of(msgspec.structs.replace(COUNT, base=[2.0, 2.5]))
    assert found.note == "From the first repetition of each side."
