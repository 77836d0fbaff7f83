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
from harness.session.receipt import Benchmark, FirstCall, Phase, Rule, SessionPlan, State
from harness.stats.sequential import e_either, e_value
from tests.support.judge import (
    CONTROL,
    PAIRS,
    POLICY,
    block,
    count,
    of,
    receipt,
    sha256,
    simulated,
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
    plan = SessionPlan(screen_blocks=60, confirm_blocks=60)
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
    assert one.blocks == len(one.changes) >= 9
    assert len(one.screened) >= 8
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
    assert (one.verdict, one.p) == (Verdict.OK, pytest.approx(1 / e_value(16, 16)))


def test_a_faster_benchmark_without_fresh_blocks_is_ok_and_not_improved():
    assert of(judge(steady({"a": -0.1}), POLICY), "a").verdict is Verdict.OK


def test_an_effect_below_the_margin_is_ok_however_significant():
    one = of(judge(steady({"a": 0.015}), POLICY), "a")
    assert (one.verdict, one.p) == (Verdict.OK, pytest.approx(1 / e_either(12, 0, 12)))


def fresh_session(strong, weak=0, *, rule=Rule.SEQUENTIAL):
    """Candidates of which so many are slower in 14 of 16 fresh blocks, and so many in 6 of 16."""
    names = {f"b{number}": 14 if number < strong else 6 for number in range(strong + weak)}
    session = steady(dict.fromkeys(names, 0.1), confirm=tuple(names))
    session.plan = SessionPlan(rule=rule, screen_blocks=12, confirm_blocks=16, load_blocks=12)
    for place, number in enumerate(range(12, 28)):
        changes = {name: 0.1 if place < slower else -0.1 for name, slower in names.items()}
        session.blocks[number] = block(number, Phase.CONFIRM, changes | {CONTROL.name: 0.0})
    return verdicts(judge(session, POLICY))


def test_equally_slow_benchmarks_help_one_another_and_false_candidates_ask_for_more():
    # 14 of 16 is e = 45 and 15 of 16 e = 404: each alone is judged at 100.
    assert e_value(14, 16) < 100 < e_value(15, 16)
    session = steady({"a": 0.1}, confirm=("a",))
    assert verdicts(judge(session, POLICY)) == {"a": Verdict.REGRESSED}
    many = dict.fromkeys([f"b{number}" for number in range(30)], 0.1)
    assert set(verdicts(judge(steady(many, confirm=tuple(many)), POLICY)).values()) == {Verdict.REGRESSED}


def test_a_fixed_number_of_blocks_is_judged_by_ranks_and_holm():
    assert fresh_session(1, rule=Rule.FIXED) == {"b0": Verdict.INCONCLUSIVE}
    plan = SessionPlan(rule=Rule.FIXED, screen_blocks=12, confirm_blocks=16)
    session = steady({"a": 0.1}, confirm=("a",), plan=plan)
    one = of(judge(session, POLICY), "a")
    assert (one.verdict, one.p) == (Verdict.REGRESSED, pytest.approx(0.5**16 * 2))


def test_sides_swapped_flip_the_sign_and_the_verdict():
    def swapped(one):
        fields = {
            "base_ns": one.candidate_ns,
            "candidate_ns": one.base_ns,
            "first": [1 - f for f in one.first],
        }
        cpu = {"base_cpu_ns": one.candidate_cpu_ns, "candidate_cpu_ns": one.base_cpu_ns}
        return msgspec.structs.replace(one, **fields, **cpu)

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
    one = of(judge(simulated({"a": 0.01}, sd=0.05, seed=0), POLICY), "a")
    assert one.verdict is Verdict.INCONCLUSIVE
    assert one.blocks_needed > 24


def test_inconclusive_fails_only_the_strict():
    session = simulated({"a": 0.01}, sd=0.08, seed=1)
    assert judge(session, POLICY).exit_code is ExitCode.OK
    assert judge(session, Policy(strict=True)).exit_code is ExitCode.INCONCLUSIVE


def with_slices(session, name, **fields):
    """The session with fields of one benchmark's slices replaced in every block."""
    for number, one in enumerate(session.blocks):
        slow = msgspec.structs.replace(one.slices[name], **fields)
        session.blocks[number] = msgspec.structs.replace(one, slices=one.slices | {name: slow})
    return session


def test_more_cpu_time_is_a_regression_though_the_usual_call_takes_as_long():
    cpu = {"base_cpu_ns": [2_900_000] * PAIRS, "candidate_cpu_ns": [3_300_000] * PAIRS}
    judgement = judge(with_slices(steady({"a": 0.0}, confirm=("a",)), "a", **cpu), POLICY)
    assert (of(judgement, "a").verdict, of(judgement, "a", "cpu_mean").verdict) == (
        Verdict.OK,
        Verdict.REGRESSED,
    )
    assert judgement.exit_code is ExitCode.LIMIT_BROKEN


def test_the_cpu_time_of_calls_that_wait_is_watched_and_asks_for_nothing():
    for place, scattered in enumerate(([100, 900, 500], [900, 100, 500])):
        session = steady({"a": 0.0})
        cpu = {"base_cpu_ns": [500] * PAIRS, "candidate_cpu_ns": scattered}
        for number in range(place, 12, 2):
            one = session.blocks[number]
            slow = msgspec.structs.replace(one.slices["a"], **cpu)
            session.blocks[number] = msgspec.structs.replace(one, slices=one.slices | {"a": slow})
        assert judge(session, POLICY).verdict is Verdict.OK


def test_cpu_time_of_other_threads_and_children_counts():
    other = {"base_other_cpu_ns": [0] * PAIRS, "candidate_other_cpu_ns": [2_000_000] * PAIRS}
    found = judge(with_slices(steady({"a": 0.0}, confirm=("a",)), "a", **other), POLICY)
    assert of(found, "a", "cpu_mean").verdict is Verdict.REGRESSED


def test_one_slow_call_among_many_is_in_the_mean_of_waiting_calls_too():
    tails = [3_000_000, 3_000_000, 12_000_000]
    session = with_slices(steady({"a": 0.0}, confirm=("a",)), "a", candidate_ns=tails)
    assert "a" in Looks(POLICY).to_confirm(session)[0]
    judgement = judge(session, POLICY)
    assert (of(judgement, "a").verdict, of(judgement, "a", "wall_mean").verdict) == (
        Verdict.OK,
        Verdict.REGRESSED,
    )


def test_a_slower_first_call_is_a_regression_of_its_own_and_microseconds_are_none():
    def first(base_ns, candidate_ns):
        session = steady({"a": 0.0}, confirm=("a",))
        calls = {
            "base": FirstCall(wall_ns=base_ns, cpu_ns=base_ns),
            "candidate": FirstCall(wall_ns=candidate_ns, cpu_ns=candidate_ns),
        }
        for number, one in enumerate(session.blocks):
            session.blocks[number] = msgspec.structs.replace(one, first_calls={"a": calls})
        return of(judge(session, POLICY), "a", "first_call")

    assert first(2 * 10**6, 500 * 10**6).verdict is Verdict.REGRESSED
    small = first(2_000, 900_000)
    assert (small.verdict, small.note) == (Verdict.OK, "it differs by less than 1 ms")


def test_a_process_that_works_while_nobody_calls_it_is_a_regression():
    session = steady({"a": 0.0}, confirm=("a",))
    for number, one in enumerate(session.blocks):
        idle = {"base": 0.001, "candidate": 0.2 + number / 1000}
        session.blocks[number] = msgspec.structs.replace(one, idle_cpu=idle)
    one = of(judge(session, POLICY), "process", "idle_cpu")
    assert (one.verdict, one.unit, one.change) == (Verdict.REGRESSED, "share", pytest.approx(0.2, abs=0.05))


def test_a_slower_import_is_a_regression_of_its_own_once_confirmed():
    session = steady({"a": 0.0}, confirm=("a",))
    for number, one in enumerate(session.blocks):
        session.blocks[number] = msgspec.structs.replace(
            one, import_ns={"base": 10**8, "candidate": 12 * 10**7 + number}
        )
    assert "import" in Looks(POLICY).to_confirm(session)[0]
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
        BenchmarkRule(match="*", metric="cpu_mean", skip="noisy"),
    )
    policy = Policy(benchmarks=(*rules, BenchmarkRule(match="*", metric="wall_mean", margin_percent=15)))
    session = steady({"a1": 0.1}, policy_sha256=sha256(policy))
    judgement = judge(session, policy)
    assert (of(judgement, "a1").margin, of(judgement, "a1").verdict) == (0.15, Verdict.OK)
    assert verdicts(judgement, "cpu_mean") == {}


def test_what_is_left_out_of_gates_is_named_and_not_judged():
    policy = Policy(benchmarks=(BenchmarkRule(match="slow", skip="known to drift"),))
    session = steady({"slow": 0.1, "a": 0.0})
    judgement = judge(session, policy)
    assert verdicts(judgement) == {"a": Verdict.OK}
    assert judgement.reasons == ("slow is skipped: known to drift",)
    assert Looks(policy).to_confirm(session) == (frozenset(), 0)


def test_the_worst_decides_the_whole():
    session = steady({"a": 0.1}, confirm=("a",))
    session.counts.append(count([], [1.0], note="the candidate died"))
    judgement = judge(session, POLICY)
    assert (judgement.verdict, judgement.exit_code) == (Verdict.REGRESSED, ExitCode.LIMIT_BROKEN)
