"""The sessions of an ablation, and the rows made of what they measured."""

import msgspec
import pytest

from harness.errors import UsageError
from harness.judge.ablation import COVERAGE, Measured, disturbed_share, rows
from harness.judge.verdict import Verdict
from harness.policy.policy import Policy
from harness.session.allowance import Allowance
from harness.session.receipt import Benchmark, Phase, Rule, State
from harness.session.slots.sizing import Discovery, Found
from harness.work.ablation import Ablation, cases, spread_budget, switches_of
from harness.work.sides import drive
from tests.support.judge import Simulation, count

CORE, OWN = drive("asset-core"), drive("mine.py:create?size=3")


def measured(changes, blocks=12, switch="pooling", **fields):
    """Return what a session of simulated blocks recorded; `fields` are set in its receipt."""
    simulation = Simulation(changes, seed=len(changes))
    simulation.blocks(Phase.SCREEN, blocks, changes)
    receipt = msgspec.structs.replace(simulation.receipt, **fields)
    receipt.plan = msgspec.structs.replace(receipt.plan, screen_blocks=blocks)
    return Measured(switch, "", receipt)


def wall(found):
    return [row for row in found if row.metric == "wall"]


def test_without_a_word_every_switch_of_the_core_is_ablated():
    assert {"pooling", "l1", "single_flight"} < set(switches_of(CORE, []))
    assert switches_of(CORE, ["l2", "l1"]) == ["l2", "l1"]


def test_a_switch_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(UsageError, match=r"no switch 'poling'.*pooling"):
        switches_of(CORE, ["pooling", "poling"])


def test_a_target_of_the_users_own_has_the_switches_that_the_user_names():
    assert switches_of(OWN, ["fast"]) == ["fast"]
    with pytest.raises(UsageError, match="--switch NAME"):
        switches_of(OWN, [])


def test_the_core_is_measured_with_caches_and_without_where_the_switch_is_no_cache_itself():
    found = cases(CORE, ["pooling", "l1"])
    assert [(one.switch, one.context) for one in found] == [
        ("pooling", ""),
        ("pooling", " (cold)"),
        ("l1", ""),
    ]
    warm, cold, _ = found
    assert "switches" not in warm.base.spec.parameters
    assert warm.candidate.spec.parameters["switches"] == "pooling:off"
    assert cold.base.spec.parameters["switches"] == "l1:off,l2:off"
    assert cold.candidate.spec.parameters["switches"] == "l1:off,l2:off,pooling:off"


def test_what_the_user_switched_off_is_off_on_both_sides():
    (warm, _) = cases(drive("asset-core?switches=gc_policy:off"), ["pooling"])
    assert warm.base.spec.parameters["switches"] == "gc_policy:off"
    assert warm.candidate.spec.parameters["switches"] == "gc_policy:off,pooling:off"


def test_a_target_of_the_users_own_is_measured_once_and_keeps_its_parameters():
    (one,) = cases(OWN, ["fast"])
    assert dict(one.base.spec.parameters) == {"size": "3"}
    assert dict(one.candidate.spec.parameters) == {"size": "3", "switches": "fast:off"}


def test_worth_is_what_the_time_grows_by_with_an_interval_around_it():
    slower, same = wall(rows([measured({"a": 0.25, "b": 0.0})], Policy()))
    assert (slower.switch, slower.operation) == ("pooling", "a")
    assert slower.worth == pytest.approx(0.25, abs=0.02)
    assert slower.low < 0.25 < slower.high
    assert same.low < 0 < same.high
    assert {slower.verdict, same.verdict} == {Verdict.OK}


def test_the_more_rows_the_wider_each_interval_so_that_all_hold_together():
    one = measured({"a": 0.1})
    (alone,) = wall(rows([one], Policy()))
    among = wall(rows([one, *(measured({"a": 0.1, "b": 0.0}) for _ in range(8))], Policy()))[0]
    assert among.low < alone.low < alone.high < among.high


def test_all_intervals_of_an_ablation_hold_the_truth_as_often_as_claimed():
    truths = {"a": 0.3, "b": 0.0, "c": -0.1}
    together = 0
    for seed in range(200):
        simulation = Simulation(truths, seed=seed, sd=0.02)
        simulation.blocks(Phase.SCREEN, 12, truths)
        found = wall(rows([Measured("x", "", simulation.receipt)], Policy()))
        together += all(row.low <= truths[row.operation] <= row.high for row in found)
    # Three standard deviations below what is claimed.
    assert together >= 200 * COVERAGE - 3 * (200 * COVERAGE * (1 - COVERAGE)) ** 0.5


def test_too_few_blocks_for_an_interval_are_said_and_claim_nothing():
    (row,) = wall(rows([measured({"a": 0.1}, blocks=5)], Policy()))
    assert (row.low, row.high, row.verdict) == (None, None, Verdict.INVALID)
    assert "too few blocks" in row.note


def test_a_benchmark_that_cannot_run_is_a_row_that_says_why():
    one = measured({"a": 0.1})
    one.receipt.benchmarks.append(Benchmark(name="b", state=State.BROKEN, note="fails without it"))
    *_, broken = rows([one], Policy())
    assert (broken.operation, broken.worth, broken.verdict) == ("b", None, Verdict.INVALID)
    assert broken.note == "fails without it"


def test_a_session_that_could_not_be_made_is_a_row_that_says_why():
    (row,) = rows([Measured("pooling", " (cold)", trouble="The target does not open")], Policy())
    assert (row.switch, row.operation, row.note) == (
        "pooling",
        "all (cold)",
        "The target does not open",
    )
    assert row.verdict is Verdict.INVALID


def test_trouble_of_a_session_stands_beside_what_it_measured():
    found = rows([measured({"a": 0.1}, trouble=["three blocks in a row measured nothing"])], Policy())
    assert [row.operation for row in found] == ["a", "all"]
    assert found[-1].verdict is Verdict.INVALID


def test_blocks_that_the_machine_disturbed_count_for_a_size_and_are_told():
    one = measured({"a": 0.2}, blocks=14)
    for block in one.receipt.blocks[::2]:
        block.sentinel.base_ns[:] = [2 * ns for ns in block.sentinel.base_ns]
    assert disturbed_share([one]) == 0.5
    (row,) = wall(rows([one], Policy()))
    assert row.low is not None
    assert row.low < 0.2 < row.high
    broken = one.receipt.blocks[0]
    one.receipt.blocks[0] = msgspec.structs.replace(broken, trouble="killed", slices={})
    assert wall(rows([one], Policy()))[0].verdict is not Verdict.INVALID


def test_counts_are_exact_and_have_no_interval():
    one = measured({"a": 0.0}, counts=[count([2, 2, 2], [3, 3, 3]), count([5, 5, 5], [5, 5, 5], metric="x")])
    calls, same = (row for row in rows([one], Policy()) if row.metric != "wall")
    assert (calls.worth, calls.low, calls.verdict) == (0.5, None, Verdict.REGRESSED)
    assert (same.worth, same.verdict) == (0.0, Verdict.OK)


def test_counts_that_grow_from_nothing_have_no_share_and_no_row():
    one = measured({"a": 0.0}, counts=[count([0, 0, 0], [3, 3, 3])])
    assert {row.metric for row in rows([one], Policy())} == {"wall"}


@pytest.mark.parametrize(("budget_s", "blocks"), [(None, 12), (120.0, 10), (240.0, 20)])
def test_the_budget_is_spread_over_the_sessions(budget_s, blocks):
    plan = spread_budget(budget_s, 2, 6.0)
    assert (plan.rule, plan.screen_blocks, plan.confirm_blocks) == (Rule.FIXED, blocks, 0)


def test_an_ablation_of_every_switch_makes_enough_blocks_to_bound_every_row():
    every = cases(CORE, switches_of(CORE, []))
    plan = spread_budget(None, len(every), 6.0)
    operations = {f"operation {place}": 0.3 for place in range(10)}
    found = wall(rows([measured(operations, plan.screen_blocks - 2) for _ in every], Policy()))
    assert len(found) == 10 * len(every)
    assert {row.verdict for row in found} == {Verdict.OK}


def test_a_budget_that_bounds_nothing_is_refused_with_one_that_would_do():
    with pytest.raises(UsageError, match=r"9 blocks for each of 2 sessions.*at least 2m.*--switch"):
        spread_budget(119.0, 2, 6.0)


def test_a_session_of_an_ablation_gets_as_many_blocks_as_its_budget_has_room_for():
    clock = iter([0.0, *[40.0] * 9]).__next__
    ablation = Ablation(Policy(), 1, None, spread_budget(None, 1, 6.0), allowance=Allowance(60.0, clock))
    found = Found("a", "t.py", State.BOTH, 1e6, 1e6, whole_ns=1e6, ready_s=0.0)
    slow, quick = (Discovery((found,), start_s, None) for start_s in (1.4, 0.1))
    assert ablation._plan_for(slow).screen_blocks == 6
    assert ablation._plan_for(quick) == ablation.plan
    with pytest.raises(UsageError, match="too small for a block"):
        ablation._plan_for(Discovery((found,), 30.0, None))
