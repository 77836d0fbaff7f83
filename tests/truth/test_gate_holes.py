"""What a median of slices does not see, and what an eager gate sees wrongly: changes of known truth, by `harness compare`."""

import random

import pytest

from harness.judge import controls
from harness.session.receipt import NULL_CONTROL, SessionPlan
from harness.session.receipt_file import read_receipt
from harness.work import sessions
from tests.support.cli import inside
from tests.support.session import write

POLICY = """
[tool.harness]
source-roots = ["pkg"]
suite = "benchmarks"
margin-percent = 10
"""
TAIL, FIRST, GROWS = (f"test_work.py::test_{name}" for name in ("tail", "first", "grows"))
SUITE = """
import pkg

def test_first(benchmark): benchmark(pkg.first)
def test_grows(benchmark): benchmark(pkg.grows)
def test_tail(benchmark): benchmark(pkg.tail)
"""
WORK = """
import itertools
import time

TAIL, FIRST_S = {tail}, {first_s}
calls = itertools.count(1)
held = []
waited = []

def work(turns):
    total = 0
    for number in range(turns):
        total += number * 7 % 13
    return total

def tail():
    return work(6_000 * (TAIL if next(calls) % 50 == 0 else 1))

def first():
    if not waited:
        waited.append(time.sleep(FIRST_S))
    return work(2_000)

def grows():
    held.append(1)
    return sum(held)
"""
HOOK = """
import sys

def hook(frame, event, value):
    return hook

sys.settrace(hook)
"""
ALONE = """
import pkg

def test_work(benchmark): benchmark(pkg.work, 2_000)
"""
# Of three benchmarks the second one carries the A/A check.
SEED = next(seed for seed in range(9) if random.Random(seed).choice([FIRST, GROWS, TAIL]) == GROWS)


def compared(folder, suite, base, candidate, *words):
    """Compare two versions of a package from a folder that holds nothing else; return what was said and the receipt.

    A block has fewer slices, and of a busy machine more blocks may be discarded: the others tell the same. All other rules are
    those of any session.
    """
    for side, source in (("base", base), ("candidate", candidate)):
        write(
            folder / side,
            {"pyproject.toml": POLICY, "pkg/__init__.py": source, "benchmarks/test_work.py": suite},
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, "plan_within", lambda *_: SessionPlan(slices=16))
        patch.setattr(controls, "MOST_BAD", 1.0)
        said = inside(
            folder / "candidate", "compare", "path:../base", "path:.", "--suite", "micro", "--json", *words
        )
    assert "error" not in said.document, said.document
    return said, read_receipt(folder / "candidate" / said.document["receipt"])


def of(said, benchmark):
    """Return the comparisons of a benchmark by metric."""
    return {one["metric"]: one for one in said.document["comparisons"] if one["benchmark"] == benchmark}


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """A session of a slow tail, a slow first call, and identical code whose cost grows with its calls."""
    base, candidate = (WORK.format(tail=tail, first_s=first_s) for tail, first_s in ((1, 0), (10, 0.5)))
    said, receipt = compared(tmp_path_factory.mktemp("holes"), SUITE, base, candidate, "--seed", SEED)
    assert said.document["controls"]["reasons"] == [], said.document["controls"]
    return said, receipt


@pytest.mark.measures
@pytest.mark.proof
def test_one_call_in_fifty_ten_times_slower_is_a_regression_of_the_time_of_all_calls(changed):
    """True +18 % on average; the median of slices sees a seventh of that, or nothing."""
    said, _ = changed
    found = of(said, TAIL)
    assert found["cpu_mean"]["verdict"] == "regressed"
    assert 0.05 < found["cpu_mean"]["change"] < 0.30
    assert said.code == 3


@pytest.mark.measures
@pytest.mark.proof
def test_a_first_call_that_takes_half_a_second_more_is_a_regression_of_the_first_call_alone(changed):
    said, receipt = changed
    found = of(said, FIRST)
    assert found["first_call"]["verdict"] == "regressed"
    assert found["first_call"]["candidate"] - found["first_call"]["base"] > 400e6
    # The usual call, and the CPU time of all, did not change: they are cleared, or left open once the first call tells.
    assert {metric for metric, one in found.items() if one["verdict"] == "regressed"} == {"first_call"}
    assert all(
        block.calls[FIRST] > 1 for block in receipt.blocks if FIRST in block.order and not block.trouble
    )


@pytest.mark.measures
@pytest.mark.proof
def test_identical_code_whose_cost_grows_with_its_calls_did_not_change_though_it_carries_the_control(changed):
    said, receipt = changed
    assert next(one.of for one in receipt.benchmarks if one.name == NULL_CONTROL) == GROWS
    assert said.document["controls"]["null"]["clean"]
    wall = of(said, GROWS)["wall"]
    assert wall["verdict"] == "ok"
    assert abs(wall["change"]) < 0.10


@pytest.mark.measures
def test_a_trace_hook_that_the_candidate_leaves_on_slows_everything_and_fails(tmp_path):
    """All code of the candidate is several times slower, and so is the loop by which disturbed blocks are known."""
    work = WORK.format(tail=1, first_s=0)
    said, _ = compared(tmp_path, ALONE, work, work + HOOK)
    assert (said.code, said.document["verdict"]) == (3, "regressed")
    loop = of(said, "process")["fixed_loop"]
    assert loop["verdict"] == "regressed"
    assert loop["change"] > 0.5
    assert "slows everything in its process" in loop["note"]
    # Nothing else can be told of such a process.
    assert of(said, "test_work.py::test_work")["wall"]["verdict"] == "inconclusive"
