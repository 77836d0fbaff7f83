"""Scenarios of the user's own, and the options that shape a plan."""

import pytest

from harness.errors import ExitCode, UsageError
from harness.model import Stage
from harness.work.subjects import find_scenario
from tests.support.cli import document, inside, measured, returned
from tests.support.tolerant import tolerant

FILE = """
from harness.model import Scenario, Stage
GOOD = Scenario(
    "good", "two stages",
    stages=(Stage("rise", 1, 0, 1, warmup=True), Stage("low", 1), Stage("high", 1, 2, 2, slo="p50<1ns")),
    rate_per_s=40, duration_s=2, warmup_s=1,
)
EMPTY = Scenario("empty", "", stages=())
WARM = Scenario("warm", "", stages=(Stage("w", 1, warmup=True),))
LATE = Scenario("late", "", stages=(Stage("a", 1), Stage("w", 1, warmup=True)))
FLAT = Scenario("flat", "", stages=(Stage("a", 0),))
BELOW = Scenario("below", "", stages=(Stage("a", 1, -1),))
WEIGHT = Scenario("weight", "", operations={"call": 0})
LIMIT = Scenario("limit", "", stages=(Stage("a", 1, slo="p99"),))
USERS = Scenario("users", "", users=0)
LONG = Scenario("long", "", duration_s=float("inf"))
OTHER = 3
"""


@pytest.fixture
def mine(tmp_path):
    """A project in which no noise of the machine makes a run invalid."""
    (tmp_path / "mine.py").write_text(FILE)
    return tolerant(tmp_path)


def test_a_scenario_is_found_in_a_file_and_called_as_it_was_asked_for(mine):
    place = f"{mine}/mine.py:GOOD"
    found = find_scenario(place)
    assert found.name == place
    assert found.stages[1] == Stage("low", 1)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("EMPTY", "at least one of them measured"),
        ("WARM", "at least one of them measured"),
        ("LATE", "warm-up comes after"),
        ("FLAT", "share of stage 'a'"),
        ("BELOW", "a rate that is not a number from zero"),
        ("WEIGHT", "weight of an operation"),
        ("LIMIT", "'p99' is not a limit"),
        ("USERS", "no user"),
        ("LONG", "duration_s is not a number"),
        ("OTHER", "has no scenario 'OTHER'"),
        ("NONE", "has no scenario 'NONE'"),
    ],
)
def test_what_could_not_be_run_is_refused(mine, name, why):
    with pytest.raises(UsageError, match=why):
        find_scenario(f"{mine}/mine.py:{name}")


@pytest.mark.parametrize("place", ["nowhere.py:A", "no.such.module:A"])
def test_a_place_that_cannot_be_imported_is_refused(place):
    with pytest.raises(UsageError, match="cannot be imported"):
        find_scenario(place)


def test_it_runs_with_its_own_warm_up_and_its_stages_hold_their_own_limits(mine):
    said = inside(
        mine,
        "run",
        "mine.py:GOOD",
        "--target",
        "known:noop",
        "--out",
        mine / "out",
        "--json",
        "--no-report",
    )
    assert said.run["planned"] == 120
    (limit,) = said.run["slo"]
    assert (limit["stage"], limit["calls"], limit["exceeding"]) == ("high", 80, 80)
    spans = document(mine / said.run["dir"])["plan"]["spans"]
    assert [(span["label"], span["warmup"]) for span in spans] == [
        ("rise", True), ("low", False), ("high", False),
    ]  # fmt: skip
    assert limit["state"] == "broken"
    assert said.code == ExitCode.LIMIT_BROKEN


def test_above_the_in_flight_limit_calls_are_dropped_and_counted(tmp_path):
    said = inside(
        None, "run", "steady", "--target", "known:constant?service_ms=300", "--stages", "20/s for 1s", "--arrivals", "uniform",
        "--in-flight", 2, "--warmup", "0s", "--out", tmp_path, "--json", "--no-report",
    )  # fmt: skip
    outcomes = said.run["outcomes"]
    assert sum(outcomes.values()) == said.run["planned"] == 20
    assert outcomes["dropped"] > 0
    assert document(said.run["dir"])["plan"]["in_flight_limit"] == 2
    assert "--in-flight" in document(said.run["dir"])["shape"]


def test_users_think_between_an_answer_and_their_next_call(tmp_path):
    said = inside(
        None, "run", "closed", "--target", "known:noop", "--users", 1, "--think-time", "50ms", "--duration", "1s",
        "--warmup", "0s", "--out", tmp_path, "--json", "--no-report",
    )  # fmt: skip
    rows = returned(measured(said.run["dir"]))
    assert 2 <= len(rows) <= 20
    assert (rows["intended_ns"][1:] - rows["completed_ns"][:-1] >= 49_999_000).all()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("steady", "--think-time", "1s"), "--think-time does not apply"),
        (("closed", "--in-flight", "3"), "--in-flight does not apply"),
        (("closed", "--stages", "1/s for 1s"), "--stages does not apply"),
        (("max-throughput", "--think-time", "1s"), "its users do not think"),
        (("replay",), "needs a recorded trace. Name a CSV"),
        (("steady", "--stages", "soon"), "'soon' is not a stage"),
        (("steady", "--replay", "nowhere.csv"), "The trace cannot be read: No such file"),
        (("steady", "--replay", "t.csv", "--arrivals", "uniform"), "A trace has its own arrivals"),
        (("steady", "--replay", "t.csv", "--stages", "1/s for 1s"), "not allowed with"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, words, why):
    said = inside(tmp_path, "run", *words)
    assert said.code == ExitCode.USAGE
    assert why in said.error


@pytest.mark.measures
def test_the_plateau_is_found_and_held(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.capacity.probe.PROBE_S", 0.5)
    monkeypatch.setattr("harness.capacity.probe.PROBE_WARMUP_S", 0.2)
    said = inside(
        None, "run", "max-throughput", "--target", "known:spin?spin_us=3000", "--duration", "500ms", "--warmup", "0s",
        "--out", tmp_path, "--json", "--no-report",
    )  # fmt: skip
    plan = document(said.run["dir"])["plan"]
    # One call holds the loop: more users are answered no faster, so few were enough.
    assert plan["users"] <= 4
    assert plan["searched"].keys() >= {"1", "2"}
    assert "users" in said.stderr
