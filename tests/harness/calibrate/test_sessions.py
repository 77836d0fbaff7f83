"""One calibration session: what it asks of what the gate said, and a small one from its project to its line."""

import json
import os
import statistics
import subprocess
import sys
import time
import types
from pathlib import Path

import msgspec
import pytest

from harness.calibrate import added, workloads
from harness.calibrate.card import make_card
from harness.calibrate.digest import gate_digest
from harness.calibrate.effects import TRIALS, Code, Disturbance, Trial
from harness.calibrate.other_code import rewritten
from harness.calibrate.project import POLICY, write_project
from harness.calibrate.sessions import CalibrationSession, _on_one_core, seconds_of
from harness.calibrate.workloads import WORK
from harness.judge.mutants import MUTANTS
from harness.judge.verdict import Verdict
from harness.session.receipt import Benchmark, Block, Phase, State
from harness.session.receipt_file import read_receipt
from harness.session.slots import injection, slot_program
from harness.supervise import Supervisor
from tests.support.judge import receipt
from tests.support.judgement_builder import paired
from tests.support.processes import descendants, survivors
from tests.support.session import TINY, Follow

WALL, CPU = paired("work"), paired("work", metric="cpu_mean")
IMPORT = paired("import", metric="cold_start")
OF_PROCESS = paired("process", Verdict.REGRESSED, 0.3, metric="fixed_loop")
ONE_BLOCK = msgspec.structs.replace(TINY, least_blocks=1, screen_blocks=1)


def worst(trial, folder, *comparisons):
    session = CalibrationSession(trial=trial, seed=1, folder=folder, gate="now")
    return {
        name: (one.metric, one.verdict)
        for name, one in session.worst_of_each(comparisons or (WALL, CPU, IMPORT)).items()
    }


def test_an_unchanged_side_is_asked_about_every_benchmark_the_import_and_the_process(tmp_path):
    trial = Trial("same", 20, 1)
    assert list(worst(trial, tmp_path, WALL, CPU, IMPORT, OF_PROCESS)) == ["work", "import", "process"]


def test_slower_work_is_asked_about_work_and_a_slower_import_about_imports(tmp_path):
    assert list(worst(Trial("slower", 20, 95, spin_share=0.05), tmp_path)) == ["work"]
    assert list(worst(Trial("tail", 20, 95, tail=True), tmp_path)) == ["work"]
    assert list(worst(Trial("import", 5, 95, import_ms=20), tmp_path)) == ["import"]


def test_the_verdict_of_a_benchmark_is_the_worst_over_its_metrics_that_count(tmp_path):
    trial = Trial("tail", 20, 95, tail=True)
    found = paired("work", Verdict.REGRESSED, 0.18, metric="cpu_mean")
    assert worst(trial, tmp_path, WALL, found) == {"work": ("cpu_mean", Verdict.REGRESSED)}
    # One that only is watched says nothing while it is open.
    watched = paired("work", Verdict.INCONCLUSIVE, 0.18, metric="wall_mean", counts=False)
    assert worst(trial, tmp_path, watched, WALL) == {"work": ("wall", Verdict.OK)}
    assert worst(trial, tmp_path, WALL, CPU) == {"work": ("wall", Verdict.OK)}


def test_what_slows_the_whole_process_slows_each_of_its_benchmarks_and_in_a_clean_session_is_one_alarm(
    tmp_path,
):
    busy = Trial("busy", 20, 95, code=Code.BACKGROUND_THREAD)
    open_one = paired("work", Verdict.INCONCLUSIVE)
    assert worst(busy, tmp_path, open_one, OF_PROCESS) == {"work": ("fixed_loop", Verdict.REGRESSED)}
    same = worst(Trial("same", 20, 1), tmp_path, open_one, OF_PROCESS)
    assert same == {"work": ("wall", Verdict.INCONCLUSIVE), "process": ("fixed_loop", Verdict.REGRESSED)}


def test_the_seconds_of_a_block_are_shared_among_its_benchmarks_so_that_all_add_up_to_the_session():
    blocks = [
        Block(number=number, phase=Phase.SCREEN, seed=1, cpu=0, spawned=[], order=order, seconds=6.0)
        for number, order in enumerate((["a", "b", "c"], ["a", "b"], ["a"]))
    ]
    found = receipt(blocks=blocks)
    seconds = {name: seconds_of(name, found) for name in "abc"}
    assert seconds == {"a": 11.0, "b": 5.0, "c": 2.0}
    assert seconds_of("import", found) == sum(seconds.values())


def test_the_gate_is_given_the_margin_of_the_trial(tmp_path):
    for trial in TRIALS:
        session = CalibrationSession(trial=trial, seed=1, folder=tmp_path, gate="now")
        assert session.policy.margin_percent == trial.margin_percent
        assert session.policy.suite == POLICY.suite


@pytest.mark.parametrize("disturbance", Disturbance)
def test_a_session_keeps_to_one_core_where_the_others_are_disturbed_and_gets_all_back(disturbance):
    before = os.sched_getaffinity(0)
    alone = disturbance in {Disturbance.OTHER_CORE, Disturbance.SAME_CORE}
    with _on_one_core(Trial("any", 20, 1, disturbance=disturbance), seed=3) as core:
        assert core in before
        assert os.sched_getaffinity(0) == ({core} if alone else before)
    assert os.sched_getaffinity(0) == before


SAME = next(trial for trial in TRIALS if trial.name == "same")


def benchmarks_in(folder):
    """Return the result of every benchmark of a calibration's project, by name, as the candidate's own Python finds it."""
    program = (
        "import sys, json; sys.path[:0] = ['.', 'benchmarks']; import test_work, calibrated; names = test_work.test_work.pytestmark[0].args[1]; "
        "print(json.dumps({name: repr(test_work.WORK[name]()).replace('_other_', '_') for name in names}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_a_project_has_every_workload_of_its_trial_and_imports_what_it_measures(tmp_path):
    folder = write_project(tmp_path / "one", SAME, import_loops=7)
    assert list(benchmarks_in(folder)) == list(WORK)
    assert "\n_spin(7)\n" in (folder / "calibrated" / "__init__.py").read_text()


@pytest.mark.parametrize(
    "trial", [one for one in TRIALS if one.code is not Code.SAME], ids=lambda one: one.name
)
def test_the_candidate_of_other_code_does_the_same_work_and_its_code_differs(tmp_path, trial):
    base = write_project(tmp_path / "base", trial)
    candidate = write_project(tmp_path / "candidate", trial, trial.code)
    assert benchmarks_in(base) == benchmarks_in(candidate)
    texts = [
        {file.name: file.read_text() for file in (one / "calibrated").iterdir() if file.is_file()}
        for one in (base, candidate)
    ]
    assert texts[0].keys() == texts[1].keys()
    assert texts[0] != texts[1]
    suites = [(one / "benchmarks" / "test_work.py").read_text() for one in (base, candidate)]
    assert suites[0] == suites[1]


def test_other_code_keeps_the_instructions_of_every_function_and_their_places_differ():
    source = Path(workloads.__file__).read_text()
    before, after = (functions_of(compile(text, "work", "exec")) for text in (source, rewritten(source)))
    assert set(before) <= set(after)
    assert all(after[name] == code for name, code in before.items())
    assert len([name for name in after if "unused" in name]) == 8
    order = [name for name in after if name in before and name in ("primes", "fibonacci", "moving_average")]
    assert order == ["moving_average", "primes", "fibonacci"]


def functions_of(code):
    """Return the instructions of the functions of a module by name, in their order."""
    found = {}
    for one in code.co_consts:
        if isinstance(one, types.CodeType) and one.co_name != "<lambda>":
            found[one.co_name.removeprefix("_other").removeprefix("_")] = one.co_code
    return found


@pytest.mark.measures
def test_a_small_session_goes_from_its_project_to_the_line_of_a_card(tmp_path, monkeypatch):
    # Four times as long must be found to a third, not to a percent: fewer looks at a call and at the loop will do.
    monkeypatch.setattr(added, "_PAIRS", 5)
    monkeypatch.setattr(injection, "_RUNS", 20)
    before = descendants(os.getpid())
    session = CalibrationSession(
        trial=Trial("slower", 20, 95, spin_share=3.0),
        seed=1,
        folder=tmp_path,
        gate=gate_digest(),
        plan=ONE_BLOCK,
    )
    with Supervisor() as supervisor:
        outcome = session.run(supervisor, Follow())
    assert survivors(descendants(os.getpid()) - before) == set()
    assert len(outcome.outcomes) == len(WORK)
    # One block decides nothing, and shows what was added all the same.
    assert {one.verdict for one in outcome.outcomes} <= {Verdict.INCONCLUSIVE, Verdict.INVALID}
    receipt = read_receipt(tmp_path / "receipt.json")
    assert (receipt.finished, receipt.trouble, len(receipt.blocks)) == (True, [], 1)
    slower = [
        sum(slices.candidate_ns) / sum(slices.base_ns)
        for name, slices in receipt.blocks[0].slices.items()
        if "test_work" in name
    ]
    share = statistics.median(one.added for one in outcome.outcomes)
    assert statistics.median(slower) == pytest.approx(1 + share, rel=0.3)
    assert share == pytest.approx(3.0, rel=0.4)
    assert all(set(one.mutants) <= set(MUTANTS) for one in outcome.outcomes)
    (row,) = make_card([outcome], gate_digest(), {}, ["slower"]).trials
    assert (row.alarms.count, row.alarms.total, row.added) == (0, len(WORK), share)


def test_what_was_added_is_the_mean_of_a_look_before_and_one_after(monkeypatch):
    benchmark = Benchmark(
        name="test_work.py::test_work[heap]", state=State.BOTH, base_ns=1.0, candidate_ns=1.0
    )
    before = injection.Injection(1.0, spin_share=0.10, call_loops={benchmark.name: 1_000.0})
    assert before.loops(benchmark) == 100
    monkeypatch.setattr(added, "loops_per_call", lambda: {benchmark.name: 1_500.0})
    shares = added.added_shares(receipt(benchmarks=[benchmark]), before)
    assert shares == {benchmark.name: pytest.approx(100 / 1_250)}


def test_how_many_turns_take_as_long_as_a_call_is_known_though_the_machine_changes_its_speed(monkeypatch):
    now_ns = 0

    def spin(loops):
        nonlocal now_ns
        # Every 50 ms the machine becomes half as fast, or twice as fast again.
        now_ns += loops * (60 if now_ns // 50_000_000 % 2 else 30)

    monkeypatch.setattr(added, "time", types.SimpleNamespace(thread_time_ns=lambda: now_ns))
    monkeypatch.setattr(added, "spin", spin)
    monkeypatch.setattr(added, "WORK", {"spin": lambda: spin(5_000)})
    (loops,) = added.loops_per_call().values()
    assert loops == pytest.approx(5_000)


def test_the_loop_that_is_timed_is_the_one_that_slots_spin(monkeypatch):
    assert injection.spin is slot_program.spin
    monkeypatch.setattr(injection, "_RUNS", 2)
    monkeypatch.setattr(injection, "spin", lambda loops: time.sleep(loops * 1e-6))
    # A microsecond a turn, of which no other loop takes so much.
    assert injection.ns_per_loop() >= 1_000
