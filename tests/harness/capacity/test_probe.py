"""The rate of a run where nobody gave one."""

import dataclasses

import pytest

from harness.capacity.probe import at_sustainable_rate, probe_per_s, slowest
from harness.errors import InvalidRunError
from harness.model import Executor, Scenario
from harness.processes.loadrun import LoadPlan
from harness.processes.subject import Subject
from scenarios.catalogue import SCENARIOS


def plan(share):
    scenario = dataclasses.replace(SCENARIOS["asset-read"], probe_share=share)
    return LoadPlan(scenario, rate_per_s=1.0, users=8, duration_s=1.0, warmup_s=0.0, seed=1)


@pytest.mark.parametrize(("share", "rate_per_s"), [(0.5, 60), (0.25, 30), (0.123, 15)])
def test_it_is_the_scenarios_share_of_what_the_slowest_can_do_to_two_digits(share, rate_per_s):
    assert at_sustainable_rate(plan(share), {"a": 120.0, "b": 500.0}).rate_per_s == rate_per_s
    assert slowest({"a": 120.0, "b": 500.0}) == "a"


def test_without_a_call_that_completed_there_is_none():
    with pytest.raises(InvalidRunError, match="no call of 'b' completed"):
        at_sustainable_rate(plan(0.5), {"a": 120.0, "b": 0.0})


def test_scenarios_that_keep_the_servers_busy_ask_for_less():
    shares = {name: scenario.probe_share for name, scenario in SCENARIOS.items()}
    assert shares["asset-mixed"] == shares["ingest"] == shares["jobs"] < shares["asset-read"] == 0.5


SHOP = """
import time

class create:
    operations = {"look": 1}
    journey = ["look"] * 5

    def call(self, event):
        time.sleep(0.02)
"""


@pytest.mark.parametrize(("executor", "calls"), [(Executor.OPEN, 5), (Executor.CLOSED, 1)])
def test_where_users_on_a_journey_arrive_it_is_in_journeys(
    supervisor, tmp_path, monkeypatch, executor, calls
):
    monkeypatch.setattr("harness.capacity.probe.PROBE_S", 0.5)
    monkeypatch.setattr("harness.capacity.probe.PROBE_WARMUP_S", 0.1)
    (tmp_path / "shop.py").write_text(SHOP)
    subject = Subject(f"{tmp_path}/shop.py:create", {})
    scenario = Scenario("visits", "users of a shop", executor=executor)
    found = LoadPlan(scenario, rate_per_s=1.0, users=1, duration_s=1.0, warmup_s=0.0, seed=1)
    per_s = probe_per_s(supervisor, subject, found, lambda _: None, users=1)
    # One user makes at most fifty calls a second, and some were made.
    assert 2 / calls <= per_s <= 52 / calls
