"""One calibration session: what it asks of what the gate said, and a small one from its project to its line."""

import os
import statistics
import time
import types

import msgspec
import pytest

from harness.calibrate import added
from harness.calibrate.card import make_card
from harness.calibrate.digest import gate_digest
from harness.calibrate.effects import TRIALS, Disturbance, Trial
from harness.calibrate.project import POLICY, write_project
from harness.calibrate.sessions import CalibrationSession, _on_one_core
from harness.calibrate.workloads import WORK
from harness.judge.mutants import MUTANTS
from harness.judge.verdict import Verdict
from harness.session.receipt import Benchmark, State
from harness.session.receipt_file import read_receipt
from harness.session.slots import injection, slot_program
from harness.supervise import Supervisor
from tests.support.judge import receipt
from tests.support.judgement_builder import exact, paired
from tests.support.processes import descendants, survivors
from tests.support.session import TINY, Follow

WALL, CPU = paired("work"), paired("work", metric="cpu", counts=False)
IMPORT = paired("import", metric="cold_start")
ONE_BLOCK = msgspec.structs.replace(TINY, screen_blocks=1, extended_blocks=1)


def asked(trial, folder):
    session = CalibrationSession(trial=trial, seed=1, folder=folder, gate="now")
    return [one.metric for one in (WALL, CPU, IMPORT) if session._asks_about(one)]


def test_an_unchanged_side_is_asked_about_everything_that_counts(tmp_path):
    assert asked(Trial("same", 20), tmp_path) == ["wall", "cold_start"]


def test_slower_work_is_asked_about_work_and_a_slower_import_about_imports(tmp_path):
    assert asked(Trial("slower", 20, spin_share=0.05), tmp_path) == ["wall"]
    assert asked(Trial("tail", 20, tail=True), tmp_path) == ["wall"]
    assert asked(Trial("import", 5, import_ms=20), tmp_path) == ["cold_start"]


def test_what_does_not_count_is_asked_about_by_no_trial(tmp_path):
    session = CalibrationSession(trial=Trial("same", 20), seed=1, folder=tmp_path, gate="now")
    assert not session._asks_about(exact(counts=False))


def test_the_gate_is_given_the_margin_of_the_trial(tmp_path):
    for trial in TRIALS:
        session = CalibrationSession(trial=trial, seed=1, folder=tmp_path, gate="now")
        assert session.policy.margin_percent == trial.margin_percent
        assert session.policy.suite == POLICY.suite


@pytest.mark.parametrize("disturbance", Disturbance)
def test_a_session_keeps_to_one_core_where_the_others_are_disturbed_and_gets_all_back(disturbance):
    before = os.sched_getaffinity(0)
    alone = disturbance in {Disturbance.OTHER_CORE, Disturbance.SAME_CORE}
    with _on_one_core(Trial("any", 20, disturbance=disturbance), seed=3) as core:
        assert core in before
        assert os.sched_getaffinity(0) == ({core} if alone else before)
    assert os.sched_getaffinity(0) == before


def test_the_project_has_every_kind_of_work_and_imports_what_it_measures(tmp_path):
    folder = write_project(tmp_path / "one", 7)
    suite = (folder / "benchmarks" / "test_work.py").read_text()
    compile(suite, "test_work.py", "exec")
    assert "\nimport calibrated" in suite
    assert all(f'"{name}": lambda' in suite for name in WORK)
    assert "\n_spin(7)\n" in (folder / "calibrated" / "__init__.py").read_text()


@pytest.mark.measures
def test_a_small_session_goes_from_its_project_to_the_line_of_a_card(tmp_path, monkeypatch):
    # Four times as long must be found to a third, not to a percent: fewer looks at a call and at the loop will do.
    monkeypatch.setattr(added, "_PAIRS", 5)
    monkeypatch.setattr(injection, "_RUNS", 20)
    before = descendants(os.getpid())
    session = CalibrationSession(
        trial=Trial("slower", 20, spin_share=3.0),
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
