"""What a session measures within its budget: planned against allowed, by a clock that is told how long things take."""

import random
import re

import pytest

from harness.errors import UsageError
from harness.judge.judge import judge
from harness.judge.looks import Looks
from harness.judge.verdict import Verdict
from harness.policy.policy import Policy
from harness.session.allowance import END_S, Allowance
from harness.session.pace import Asked, Pace
from harness.session.receipt import Phase
from harness.session.slots.launch import Limits
from harness.units import parse_duration_s
from harness.work.budgets import plan_within, require_room_for_load
from tests.support.judge import Simulation, count, receipt

POLICY = Policy()


class Clock:
    """A clock that stands still unless it is told."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


class TimedSimulation(Simulation):
    """Simulated blocks that take time, asked for as a session asks for them."""

    def __init__(self, changes, budget_s, *, slower=1.0, before_s=5.0, planned_s=1.0, **more):
        self.clock, self.slower, self.planned_s = Clock(), slower, planned_s
        self.pace = Pace(Allowance(budget_s, self.clock))
        beside_s = before_s + END_S
        plan = plan_within(budget_s, planned_s, POLICY, len(changes), beside_s=beside_s)
        super().__init__(changes, plan=plan, **more)
        self.clock.now_s += before_s

    def run(self, looks):
        plan = self.receipt.plan
        if self.made(Phase.SCREEN, looks.screening, plan.least_blocks, plan.screen_blocks, looks):
            self.made(
                Phase.CONFIRM, looks.confirming, looks.to_confirm(self.receipt)[1], plan.confirm_blocks, looks
            )
        return self.receipt

    def made(self, phase, look, least, most, looks):
        done = 0
        while names := look(self.receipt):
            later_s = looks.to_confirm(self.receipt)[1] * self.planned_s if phase is Phase.SCREEN else 0.0
            asked = Asked(phase, done, least, most, self.planned_s, later_s)
            if not self.pace.has_time(asked):
                self.pace.end(asked, self.receipt)
                break
            self.block(phase, names)
            self.clock.now_s += self.slower * self.planned_s
            self.pace.allowance.took(self.planned_s, self.slower * self.planned_s)
            done += 1
        return done >= least

    @property
    def spent_s(self):
        return self.clock.now_s - 1000.0

    def verdict(self):
        found = judge(self.receipt, POLICY)
        return {one.benchmark: one.verdict for one in found.comparisons if one.metric == "wall"}, found


@pytest.mark.parametrize("slower", [1.0, 1.3, 2.0, 5.0])
@pytest.mark.parametrize("budget_s", [30.0, 60.0, 200.0])
@pytest.mark.parametrize("change", [0.0, 0.05, 0.2])
def test_a_session_ends_within_its_budget_however_slow_its_blocks_are(slower, budget_s, change):
    run = TimedSimulation({"a": change, "b": 0.0}, budget_s, slower=slower)
    run.run(Looks(POLICY))
    assert run.spent_s + END_S <= 1.1 * budget_s
    verdicts, found = run.verdict()
    assert Verdict.INVALID not in verdicts.values(), found.reasons
    if run.receipt.cut:
        assert Verdict.INCONCLUSIVE in {one.verdict for one in found.comparisons}
        assert run.receipt.cut in found.reasons


def test_a_session_that_decides_ends_before_its_budget():
    run = TimedSimulation({"a": 0.2, "b": 0.0}, 60.0)
    planned = run.receipt.plan
    run.run(Looks(POLICY))
    assert (run.receipt.plan, run.receipt.cut) == (planned, "")
    assert run.verdict()[0] == {"a": Verdict.REGRESSED, "b": Verdict.OK}
    assert run.spent_s < 30.0


def test_slower_blocks_are_fewer_and_decide_where_the_thresholds_can_be_reached():
    run = TimedSimulation({"a": 0.2, "b": 0.0}, 60.0, slower=2.0)
    run.run(Looks(POLICY))
    assert run.receipt.cut == ""
    assert run.verdict()[0] == {"a": Verdict.REGRESSED, "b": Verdict.OK}


def test_where_the_thresholds_are_out_of_reach_the_session_ends_and_says_so():
    run = TimedSimulation({"a": 0.2, "b": 0.0}, 60.0, slower=5.0)
    run.run(Looks(POLICY))
    verdicts, found = run.verdict()
    assert verdicts == {"a": Verdict.INCONCLUSIVE, "b": Verdict.OK}
    assert "has room for no more than 0 of up to" in run.receipt.cut
    assert "blocks take 5 times as long as planned" in " ".join(found.reasons)
    assert (found.verdict, int(found.exit_code)) == (Verdict.INCONCLUSIVE, 0)


def test_a_noisy_benchmark_leaves_time_to_confirm_the_one_that_appears_slower():
    rng = random.Random(1)
    run = TimedSimulation({"a": 0.3, "noisy": 0.0}, 32.0, noise=lambda _rng: rng.gauss(0, 0.06))
    run.run(Looks(POLICY))
    assert run.verdict()[0] == {"a": Verdict.REGRESSED, "noisy": Verdict.INCONCLUSIVE}
    assert run.spent_s + END_S <= 32.0


@pytest.mark.parametrize(("slower", "is_told"), [(1.02, False), (1.1, True)])
def test_blocks_that_are_hardly_slower_are_no_reason(slower, is_told):
    pace, run = Pace(Allowance(20.0, Clock())), Simulation({"a": 0.0})
    pace.allowance.took(1.0, slower)
    asked = Asked(Phase.CONFIRM, 0, 16, 16, 2.0)
    assert not pace.has_time(asked)
    pace.end(asked, run.receipt)
    assert (f"blocks take {slower} times" in run.receipt.cut, "times as long" in run.receipt.cut) == (
        is_told,
        is_told,
    )


def test_without_a_budget_there_is_always_time():
    assert Pace().has_time(Asked(Phase.CONFIRM, 3, 16, 16, 1e9, 1e9))


def test_what_a_phase_needs_at_least_is_begun_as_a_whole_or_not_at_all():
    pace = Pace(Allowance(20.0 + END_S, Clock()))
    assert pace.has_time(Asked(Phase.SCREEN, 0, 10, 24, 2.0, later_s=1e9))
    assert not pace.has_time(Asked(Phase.SCREEN, 0, 11, 24, 2.0))
    assert pace.has_time(Asked(Phase.SCREEN, 10, 10, 24, 2.0, later_s=18.0))
    assert not pace.has_time(Asked(Phase.SCREEN, 10, 10, 24, 2.0, later_s=19.0))


def test_the_first_reason_for_an_early_end_is_kept():
    pace, run = Pace(Allowance(20.0, Clock())), Simulation({"a": 0.0})
    pace.end(Asked(Phase.SCREEN, 9, 8, 24, 2.0), run.receipt)
    first = run.receipt.cut
    pace.end(Asked(Phase.CONFIRM, 0, 9, 24, 2.0), run.receipt)
    assert run.receipt.cut == first


def test_what_is_set_aside_and_the_end_are_kept_and_a_suite_begins_at_its_own_pace():
    clock = Clock()
    allowance = Allowance(100.0, clock)
    allowance.set_aside(50.0)
    clock.now_s += 10.0
    assert allowance.left_s == 100 - 50 - 10 - END_S
    allowance.took(1.0, 4.0)
    assert (allowance.pace, allowance.room_for(1.0)) == (4.0, 9)
    allowance.begin_suite()
    assert (allowance.pace, allowance.left_s) == (1.0, 100 - 10 - END_S)


def test_a_suite_that_takes_the_budget_to_look_at_is_refused_on_the_way():
    clock = Clock()
    allowance = Allowance(52.0, clock)
    clock.now_s += 10.0
    looked_at = allowance.look()
    clock.now_s += 1.0
    looked_at(0, 100)
    clock.now_s += 18.0
    looked_at(10, 100)
    clock.now_s += 2.0
    with pytest.raises(
        UsageError, match=r"running 11 of its 100 benchmarks once on one side took 21 s.*at least 1h42m"
    ):
        looked_at(11, 100)
    Allowance(None, clock).look()(11, 100)


def test_nothing_is_waited_for_longer_than_the_budget_lasts():
    assert Limits().within(float("inf")) == Limits()
    assert Limits().within(20.0) == Limits(20.0, 20.0, 20.0, 10.0)


def test_a_budget_is_for_what_is_not_blocks_too():
    with pytest.raises(UsageError, match="at least 2m27s"):
        plan_within(100.0, 1.0, POLICY, 1, beside_s=100.0)
    assert plan_within(147.0, 1.0, POLICY, 1, beside_s=100.0).screen_blocks >= 8


def test_load_that_cannot_fit_its_share_is_refused_before_anything_is_measured():
    with pytest.raises(UsageError, match="at least"):
        require_room_for_load(120.0, POLICY, 0.5, (4.0, 1.5), has_servers=True)
    require_room_for_load(900.0, POLICY, 0.5, (4.0, 1.5), has_servers=True)
    require_room_for_load(None, POLICY, 1.0, (4.0, 1.5), has_servers=False)


def test_what_was_cut_passes_nothing_even_if_all_that_it_counted_is_equal():
    counted = receipt(suites=["exact"], counts=[count([1] * 3, [1] * 3)])
    assert judge(counted, POLICY).verdict is Verdict.OK
    counted.cut = "The budget was used up before everything was counted: raise --budget"
    found = judge(counted, POLICY)
    assert (found.verdict, found.reasons) == (Verdict.INCONCLUSIVE, (counted.cut,))
    assert judge(counted, Policy(strict=True)).exit_code == 4


def test_a_screen_that_fits_alone_goes_on_and_clears_what_did_not_change():
    # Eight blocks to screen and nine to confirm, of which only the first eight have room.
    run = TimedSimulation({"a": 0.0, "b": 0.0}, 24.0, slower=1.8, sd=0.005)
    run.run(Looks(POLICY))
    assert run.receipt.cut == ""
    assert run.verdict()[0] == {"a": Verdict.OK, "b": Verdict.OK}
    assert run.spent_s + END_S <= 24.0


def test_what_is_cut_names_a_budget_in_which_it_would_have_ended():
    run = TimedSimulation({"a": 0.2, "b": 0.0}, 60.0, slower=5.0)
    run.run(Looks(POLICY))
    (named,) = re.findall(r"give it (\w+)$", run.receipt.cut)
    again = TimedSimulation({"a": 0.2, "b": 0.0}, parse_duration_s(named), slower=5.0, planned_s=1.0)
    again.run(Looks(POLICY))
    assert again.receipt.cut == ""
