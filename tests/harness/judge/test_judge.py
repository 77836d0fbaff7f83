"""Verdicts on paired sessions, against simulations whose true changes are known."""

import math
from collections import Counter

import msgspec
import pytest

from harness.errors import ExitCode
from harness.judge.judge import judge
from harness.judge.looks import Looks
from harness.judge.verdict import Verdict
from harness.policy.policy import Acceptance, BenchmarkRule, Policy
from harness.session.receipt import Benchmark, Phase, SessionPlan, State
from tests.support.judge import (
    CONTROL,
    PAIRS,
    POLICY,
    Simulation,
    block,
    count,
    of,
    receipt,
    sha256,
    simulated,
    slices,
    steady,
    verdicts,
)


def outcomes(change, sessions, **options):
    return Counter(
        verdicts(judge(simulated({"a": change}, seed=seed, **options), options.get("policy", POLICY)))["a"]
        for seed in range(sessions)
    )


def test_identical_code_raises_no_alarm_in_299_sessions_and_is_cleared():
    found = outcomes(0.0, 299)
    assert found[Verdict.REGRESSED] == found[Verdict.IMPROVED] == 0
    assert found[Verdict.OK] >= 296


def test_identical_code_raises_no_alarm_when_noise_comes_in_one_sided_bursts():
    def noise(rng):
        both = [rng.gauss(0, 0.01) + (0.3 * rng.random() if rng.random() < 0.2 else 0) for _ in range(2)]
        return both[1] - both[0]

    found = outcomes(0.0, 200, noise=noise)
    assert found[Verdict.REGRESSED] == 0


def test_five_percent_is_found_99_times_in_100():
    assert outcomes(0.05, 200)[Verdict.REGRESSED] >= 198


def test_three_percent_is_found_95_times_in_100_with_half_the_margin():
    assert outcomes(0.03, 200, policy=Policy(margin_percent=1.5))[Verdict.REGRESSED] >= 190


def test_one_percent_is_found_90_times_in_100_with_sixty_seconds():
    plan = SessionPlan(screen_blocks=30, extended_blocks=60, confirm_blocks=40, confirm_blocks_of_many=50)
    found = outcomes(0.01, 50, policy=Policy(margin_percent=0.5), plan=plan)
    assert found[Verdict.REGRESSED] >= 45


def test_what_became_faster_is_improved_as_often():
    assert outcomes(-0.05, 100)[Verdict.IMPROVED] >= 98


def test_many_benchmarks_of_identical_code_stay_quiet_together():
    changes = {f"b{number}": 0.0 for number in range(50)}
    for seed in range(4):
        judgement = judge(simulated(changes, seed=seed), POLICY)
        assert Verdict.REGRESSED not in verdicts(judgement).values()


def test_one_slow_benchmark_among_many_is_the_one_that_is_named():
    changes = {f"b{number}": 0.0 for number in range(20)} | {"slow": 0.06}
    judgement = judge(simulated(changes), POLICY)
    assert [name for name, one in verdicts(judgement).items() if one is Verdict.REGRESSED] == ["slow"]
    assert (judgement.verdict, judgement.exit_code) == (Verdict.REGRESSED, ExitCode.LIMIT_BROKEN)


def test_a_regression_shows_the_fresh_blocks_it_rests_on_and_the_screen_beside_them():
    one = of(judge(simulated({"a": 0.05}), POLICY), "a")
    assert (one.blocks, len(one.changes), len(one.screened)) == (16, 16, 12)
    assert one.low <= one.change <= one.high
    assert one.change == pytest.approx(0.05, abs=0.01)
    assert one.p <= 0.01
    assert (one.margin, one.base) == (0.025, 300_000)
    assert 0.025 < one.detectable < 0.035


def test_the_screen_alone_convicts_nobody():
    session = steady({"a": 0.1})
    one = of(judge(session, POLICY), "a")
    assert (one.verdict, one.note) == (
        Verdict.INVALID,
        "appears worse, and was not remeasured on fresh blocks",
    )


def test_under_another_policy_than_the_sessions_what_was_not_confirmed_is_inconclusive():
    one = of(judge(steady({"a": 0.02}), Policy(margin_percent=1)), "a")
    assert one.verdict is Verdict.INCONCLUSIVE


def test_what_fresh_blocks_do_not_show_again_is_cleared():
    session = steady({"a": 0.1}, confirm=("a",))
    session.blocks[12:] = [block(12 + n, Phase.CONFIRM, {"a": 0.0, CONTROL.name: 0.0}) for n in range(16)]
    one = of(judge(session, POLICY), "a")
    assert (one.verdict, one.note) == (Verdict.OK, "the screen's change was not confirmed on fresh blocks")


def test_fresh_blocks_must_show_the_margin_and_not_only_significance():
    session = steady({"a": 0.1}, confirm=("a",))
    session.blocks[12:] = [block(12 + n, Phase.CONFIRM, {"a": 0.015, CONTROL.name: 0.0}) for n in range(16)]
    one = of(judge(session, POLICY), "a")
    assert (one.verdict, one.p) == (Verdict.OK, 0.5**16)


def test_a_faster_benchmark_without_fresh_blocks_is_ok_and_not_improved():
    assert of(judge(steady({"a": -0.1}), POLICY), "a").verdict is Verdict.OK


def test_an_effect_below_the_margin_is_ok_however_significant():
    one = of(judge(steady({"a": 0.015}), POLICY), "a")
    assert (one.verdict, one.p) == (Verdict.OK, pytest.approx(2 / 2**12))


def test_holm_makes_each_of_many_candidates_prove_more():
    def confirmed(names):
        session = steady(dict.fromkeys(names, 0.1), confirm=names)
        for place, number in enumerate(range(12, 28)):
            change = 0.1 if place < 14 else -0.1
            session.blocks[number] = block(
                number, Phase.CONFIRM, dict.fromkeys(names, change) | {CONTROL.name: 0.0}
            )
        return judge(session, POLICY)

    # 14 of 16 is p = 0.21 %: enough for one, and for four (0.84 %), not for five.
    for candidates, verdict in ((1, Verdict.REGRESSED), (4, Verdict.REGRESSED), (5, Verdict.INCONCLUSIVE)):
        names = tuple(f"b{number}" for number in range(candidates))
        assert set(verdicts(confirmed(names)).values()) == {verdict}


def test_sides_swapped_flip_the_sign_and_the_verdict():
    def swapped(one):
        fields = {
            "base_ns": one.candidate_ns,
            "candidate_ns": one.base_ns,
            "first": [1 - f for f in one.first],
        }
        return msgspec.structs.replace(one, **fields, base_cpu_ns=[], candidate_cpu_ns=[])

    mirror = {Verdict.REGRESSED: Verdict.IMPROVED, Verdict.IMPROVED: Verdict.REGRESSED}
    changes = {"slow": 0.06, "fast": -0.06, "same": 0.0}
    for seed in range(5):
        session = simulated(changes, seed=seed)
        other = msgspec.structs.replace(
            session,
            blocks=[
                msgspec.structs.replace(one, slices={name: swapped(s) for name, s in one.slices.items()})
                for one in session.blocks
            ],
        )
        before, after = judge(session, POLICY), judge(other, POLICY)
        for name in changes:
            one, two = of(before, name), of(after, name)
            assert two.verdict is mirror.get(one.verdict, one.verdict)
            assert math.log1p(two.change) == pytest.approx(-math.log1p(one.change))
            assert two.p == pytest.approx(one.p)


def test_what_is_inconclusive_says_how_many_blocks_would_decide():
    simulation = Simulation({"a": 0.01}, sd=0.08, seed=1)
    one = of(judge(simulation.run(Looks(POLICY)), POLICY), "a")
    assert one.verdict is Verdict.INCONCLUSIVE
    assert one.blocks_needed > 24


def test_inconclusive_fails_only_the_strict():
    session = simulated({"a": 0.01}, sd=0.08, seed=1)
    assert judge(session, POLICY).exit_code is ExitCode.OK
    assert judge(session, Policy(strict=True)).exit_code is ExitCode.INCONCLUSIVE


def test_cpu_time_is_shown_and_never_decides():
    session = steady({"a": 0.0})
    for number, one in enumerate(session.blocks):
        slow = msgspec.structs.replace(one.slices["a"], candidate_cpu_ns=[9_000_000] * PAIRS)
        session.blocks[number] = msgspec.structs.replace(one, slices=one.slices | {"a": slow})
    judgement = judge(session, POLICY)
    cpu = of(judgement, "a", "cpu")
    assert (cpu.verdict, cpu.counts) == (Verdict.INCONCLUSIVE, False)
    assert cpu.change == pytest.approx(2)
    assert judgement.verdict is Verdict.OK


def test_a_slower_import_is_a_regression_of_its_own_once_confirmed():
    session = steady({"a": 0.0}, confirm=("a",))
    for number, one in enumerate(session.blocks):
        session.blocks[number] = msgspec.structs.replace(
            one, import_ns={"base": 10**8, "candidate": 12 * 10**7 + number}
        )
    assert "import" in Looks(POLICY).candidates(session)
    one = of(judge(session, POLICY), "import", "cold_start")
    assert (one.verdict, one.change) == (Verdict.REGRESSED, pytest.approx(0.2, abs=1e-3))


# Missing and damaged data.


def test_a_benchmark_that_one_side_lacks_is_said_and_a_broken_one_is_invalid():
    session = steady({"a": 0.0})
    session.benchmarks += [
        Benchmark(name="n", state=State.NEW),
        Benchmark(name="r", state=State.REMOVED),
    ]
    assert judge(session, POLICY).verdict is Verdict.OK
    session.benchmarks.append(Benchmark(name="b", state=State.BROKEN, note="KeyError: 'x'"))
    judgement = judge(session, POLICY)
    assert verdicts(judgement) == {
        "a": Verdict.OK,
        "n": Verdict.NEW,
        "r": Verdict.REMOVED,
        "b": Verdict.INVALID,
    }
    assert "KeyError: 'x'" in of(judgement, "b").note
    assert judgement.exit_code is ExitCode.INVALID


def test_new_benchmarks_alone_compare_nothing():
    judgement = judge(receipt(benchmarks=[Benchmark(name="n", state=State.NEW)]), POLICY)
    assert (judgement.verdict, judgement.reasons) == (
        Verdict.INVALID,
        ("Nothing could be compared; every benchmark is new or removed: n: only the candidate has it",),
    )


def test_an_empty_receipt_is_invalid():
    assert judge(receipt(), POLICY).exit_code is ExitCode.INVALID
    assert judge(receipt(suites=[]), POLICY).verdict is Verdict.INVALID


def test_an_interrupted_session_shows_what_it_had_and_passes_nothing():
    judgement = judge(steady({"a": 0.0}, interrupted=True, finished=False), POLICY)
    assert (judgement.verdict, judgement.exit_code) == (Verdict.INCONCLUSIVE, ExitCode.INTERRUPTED)
    assert of(judgement, "a").blocks == 12
    early = judge(steady({"a": 0.0}, screen=5, interrupted=True, finished=False), POLICY)
    assert (of(early, "a").verdict, early.exit_code) == (Verdict.INCONCLUSIVE, ExitCode.INTERRUPTED)


def test_a_regression_is_a_regression_in_an_interrupted_session_too():
    judgement = judge(steady({"a": 0.1}, confirm=("a",), interrupted=True, finished=False), POLICY)
    assert (judgement.verdict, judgement.exit_code) == (Verdict.REGRESSED, ExitCode.INTERRUPTED)


# Policy.


def test_an_accepted_regression_is_shown_with_its_reason_and_does_not_count():
    session = steady({"a[x]": 0.1, "b": 0.0}, confirm=("a[x]",))

    def accepting(expires, match="a[x]"):
        return judge(session, Policy(accepted=(Acceptance(match=match, reason="safer", expires=expires),)))

    day = msgspec.convert("2026-11-22", type=Acceptance.__annotations__["expires"])
    judgement = accepting(day)
    assert (of(judgement, "a[x]").verdict, of(judgement, "a[x]").accepted) == (Verdict.REGRESSED, "safer")
    assert (judgement.verdict, judgement.exit_code) == (Verdict.OK, ExitCode.OK)
    assert accepting(day.replace(day=21)).verdict is Verdict.REGRESSED
    assert accepting(day, match="b*").verdict is Verdict.REGRESSED


def test_a_session_without_a_date_accepts_nothing():
    session = steady({"a": 0.1}, confirm=("a",), started_at="yesterday")
    day = msgspec.convert("2999-01-01", type=Acceptance.__annotations__["expires"])
    policy = Policy(accepted=(Acceptance(match="*", reason="safer", expires=day),))
    assert judge(session, policy).verdict is Verdict.REGRESSED


def test_rules_set_the_margin_by_glob():
    rules = (
        BenchmarkRule(match="a*", margin_percent=15),
        BenchmarkRule(match="*", metric="cpu", skip="noisy"),
    )
    policy = Policy(benchmarks=rules)
    session = steady({"a1": 0.1}, policy_sha256=sha256(policy))
    judgement = judge(session, policy)
    assert (of(judgement, "a1").margin, of(judgement, "a1").verdict) == (0.15, Verdict.OK)
    assert verdicts(judgement, "cpu") == {}


def test_what_is_left_out_of_gates_is_named_and_not_judged():
    policy = Policy(benchmarks=(BenchmarkRule(match="slow", skip="known to drift"),))
    session = steady({"slow": 0.1, "a": 0.0})
    judgement = judge(session, policy)
    assert verdicts(judgement) == {"a": Verdict.OK}
    assert judgement.reasons == ("slow is skipped: known to drift",)
    assert Looks(policy).candidates(session) == frozenset()


def test_the_worst_decides_the_whole():
    session = steady({"a": 0.1}, confirm=("a",))
    session.counts.append(count([], [1.0], note="the candidate died"))
    judgement = judge(session, POLICY)
    assert (judgement.verdict, judgement.exit_code) == (Verdict.REGRESSED, ExitCode.LIMIT_BROKEN)


# What a running session asks.


def test_a_session_extends_what_is_neither_cleared_nor_leaning():
    session = steady({"clear": 0.0, "slow": 0.1, "fast": -0.1})
    open_one = [0.03 * (-1) ** number for number in range(12)]
    for number, change in enumerate(open_one):
        one = session.blocks[number]
        session.blocks[number] = msgspec.structs.replace(one, slices=one.slices | {"open": slices(change)})
    session.benchmarks.append(Benchmark(name="open", pairs=PAIRS))
    looks = Looks(POLICY)
    assert looks.undecided(session) == {"open"}
    assert looks.candidates(session) == {"slow", "fast"}


def test_what_the_session_asked_does_not_change_when_fresh_blocks_come_in():
    simulation = Simulation({"a": 0.05, "b": 0.01}, sd=0.02, seed=3)
    session = simulation.run(Looks(POLICY))
    early = msgspec.structs.replace(
        session, blocks=[one for one in session.blocks if one.phase is not Phase.CONFIRM]
    )
    assert Looks(POLICY).candidates(early) == Looks(POLICY).candidates(session)
