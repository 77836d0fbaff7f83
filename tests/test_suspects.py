"""The functions that changed most in a benchmark that regressed: a planted slow function comes first."""

import msgspec
import pytest

from harness.exact.suspects import (
    MOST_FUNCTIONS,
    NO_FUNCTION,
    explain,
    find_suspects,
    largest_changes,
    ns_per_call,
    own_times_ns,
    suspects_of,
    within_calls,
)
from harness.profiles.folded import Profile
from harness.session.receipt import Benchmark, Block, Count, Phase, Receipt, SessionPlan, Slices, SubjectFacts
from harness.supervise import Supervisor
from tests.exact_suite_support import a_benchmark, a_stage

SUITE = """
import toy
def test_answer(benchmark):
    assert benchmark(toy.answer)
"""
BASE = """
def spin(loops):
    for _ in range(loops):
        pass
    return True
def parse():
    return spin(2_000)
def render(loops=1_000):
    total = 0
    for number in range(loops):
        total += number
    return total
def answer():
    return parse() and render()
"""
SLOW = BASE.replace("loops=1_000", "loops=4_000")
NAME = "test_toy.py::test_answer"


@pytest.fixture(scope="module")
def supervisor():
    with Supervisor() as made:
        yield made


def a_block(number, phase, base_ns, candidate_ns):
    slices = Slices(base_ns=[base_ns] * 3, candidate_ns=[candidate_ns] * 3, first=[0, 1, 0])
    return Block(
        number=number, phase=phase, seed=1, cpu=0, spawned=["base", "candidate"], slices={NAME: slices}
    )


def test_a_planted_slow_function_is_named_first(supervisor, tmp_path):
    stage = a_stage(supervisor, tmp_path, SUITE, BASE, SLOW)
    block = a_block(0, Phase.CONFIRM, 80_000, 200_000)
    found = find_suspects(stage, a_benchmark("test_answer"), "wall", [block], seconds=1.0)
    assert (found.benchmark, found.metric) == (NAME, "wall")
    first = found.functions[0]
    assert first.function == "render (toy/__init__.py)"
    assert first.unit == "ns"
    # It alone has grown: by about what the whole call has.
    assert first.candidate - first.base > 0.7 * (200_000 - 80_000)
    assert "Not tested" in found.note


def test_what_cannot_be_profiled_is_said_and_nothing_is_named(supervisor, tmp_path):
    stage = a_stage(supervisor, tmp_path, SUITE, BASE, BASE.replace("def answer", "def question"))
    found = find_suspects(stage, a_benchmark("test_answer"), "wall", [], seconds=0.5)
    assert found.functions == []
    assert "candidate: the benchmark did not run" in found.note


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


def test_own_times_are_shares_of_the_call_and_add_up_to_it():
    profile = Profile("samples", {("a", "b"): 3, ("a",): 1})
    assert own_times_ns(profile, 100.0) == {"a": 25.0, "b": 75.0}
    assert own_times_ns(Profile("samples", {}), 100.0) == {}


def test_samples_of_the_slot_itself_are_nobodys_and_its_own_frames_are_cut():
    run = "timed_loop.<locals>.run (harness/session/slot_program.py)"
    profile = Profile(
        "samples",
        {
            ("operation:calls", run, "answer (toy.py)"): 5,
            ("operation:calls", run): 2,
            ("(outside)", "Thread._bootstrap (threading.py)", "work (toy.py)"): 3,
            ("(driver)", "main (harness/session/slot_program.py)"): 9,
        },
    )
    assert within_calls(profile).stacks == {
        ("answer (toy.py)",): 5,
        (NO_FUNCTION,): 2,
        ("Thread._bootstrap (threading.py)", "work (toy.py)"): 3,
    }


COUNT = Count(
    benchmark="GET /a", metric="calls.dynamodb", requests=10, base=[2.0], candidate=[3.0],
    base_sites={"fetch": 2.0}, candidate_sites={"fetch": 2.0, "check": 1.0},
)  # fmt: skip


def a_receipt(**changes):
    side = SubjectFacts(spec="git:main", label="main")
    return Receipt(
        command="compare", started_at="", seed=1, suites=["micro"], base=side, candidate=side, environment={},
        policy={}, policy_sha256="", plan=SessionPlan(), **changes,
    )  # fmt: skip


def test_what_regressed_is_explained_by_sites_or_by_a_profile_and_nothing_else_is(supervisor, tmp_path):
    stage = a_stage(supervisor, tmp_path, SUITE, BASE, SLOW)
    receipt = a_receipt(benchmarks=[a_benchmark("test_answer")], counts=[COUNT])
    regressed = [("GET /a", "calls.dynamodb"), (NAME, "wall"), ("GET /a", "p99_ns")]
    assert [one.metric for one in explain(receipt, regressed, stage, 0.5)] == ["calls.dynamodb", "wall"]
    assert [one.metric for one in explain(receipt, regressed, None)] == ["calls.dynamodb"]
    assert explain(receipt, [], stage) == []


def test_the_sites_of_an_exact_metric_are_its_suspects():
    found = suspects_of(COUNT)
    assert [(one.function, one.base, one.candidate) for one in found.functions] == [("check", 0.0, 1.0)]
    assert found.functions[0].unit == "calls"
    assert found.note == "Counted: every repetition says the same."


def test_sites_of_repetitions_that_differ_are_said_to_be_of_the_first():
    found = suspects_of(msgspec.structs.replace(COUNT, base=[2.0, 2.5]))
    assert found.note == "Of the first repetition of each side."
