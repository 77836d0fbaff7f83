"""Users with state: what each of them did stands in a log of the target, and the run must agree with it."""

import json

import pytest

from tests.support.cli import facts, harness, inside, table

pytestmark = pytest.mark.measures
SHOP = """
import itertools, json, time

class create:
    operations = {"buy": 1, "login": 1, "browse": 1}
    journey = ["login", ("browse", 0.03), ("browse", 0.0), "buy"]

    def __init__(self, log, fail_every="5"):
        self.log, self.number, self.bought = open(log, "w"), itertools.count(), itertools.count(1)
        self.fail_every = int(fail_every)

    def make_user(self, rng):
        return [next(self.number)]

    def make_event(self, operation, rng):
        return operation

    def call(self, event, user):
        time.sleep(0.001)
        user.append(event)
        self.log.write(json.dumps([user[0], event]) + "\\n")
        if event == "buy" and next(self.bought) % self.fail_every == 0:
            raise RuntimeError("sold out")

    def close(self):
        self.log.close()
"""
ORDER = ["login", "browse", "browse", "buy"]


@pytest.fixture(scope="module", params=["open", "closed"])
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "shop.py").write_text(SHOP)
    words = (
        ("steady", "--rate", "30")
        if request.param == "open"
        else ("closed", "--users", "3", "--think-time", "10ms")
    )
    said = harness(
        "run",
        *words,
        "--duration",
        "2s",
        "--warmup",
        "300ms",
        "--target",
        "shop.py:create?log=log.txt",
        "--json",
        cwd=folder,
    )
    assert said.code in {0, 5}, said.stderr
    (directory,) = (folder / "runs").iterdir()
    log = [json.loads(line) for line in (folder / "log.txt").read_text().splitlines()]
    return request.param, said, directory, log


def test_every_user_makes_the_steps_in_their_order_and_only_these(run):
    _, _, _, log = run
    made = {}
    for user, operation in log:
        made.setdefault(user, []).append(operation)
    assert len(made) > 20
    assert all(ORDER[: len(steps)] == steps for steps in made.values())


def test_the_table_has_one_row_for_each_call_and_the_ends_of_all_journeys_are_known(run):
    kind, said, directory, log = run
    rows, journeys = table(directory), facts(directory)["journeys"]
    assert (rows["outcome"] > 1).sum() == len(log)
    bought = sum(operation == "buy" for _, operation in log)
    assert journeys["steps"] == ORDER
    assert journeys["abandoned"] == [0, 0, 0, bought // 5]
    assert journeys["completed"] == bought - bought // 5
    assert journeys["started"] == sum(operation == "login" for _, operation in log)
    # The plan of the open model has the arrivals; the other calls follow from them.
    assert not any("The table holds" in reason for reason in said.run["reasons"])
    later = sum((rows["intended_ns"] >= 0) & (rows["operation"] != 1))
    assert journeys["later_calls"] == (later if kind == "open" else 0)
    if kind == "open":
        assert sum(rows["operation"] == 1) == 30 * 2 + 9


def test_a_step_is_intended_at_the_end_of_the_one_before_and_its_pause(run):
    kind, _, directory, _ = run
    rows = table(directory)
    second = rows[(rows["operation"] == 2) & (rows["outcome"] == 2)]
    ends = set(rows["completed_ns"].tolist())
    follows_a_pause = [intended - 30_000_000 in ends for intended in second["intended_ns"].tolist()]
    follows_at_once = [intended in ends for intended in second["intended_ns"].tolist()]
    assert sum(follows_a_pause) > 10
    assert sum(follows_a_pause) + sum(follows_at_once) == len(second), kind


def test_the_report_tells_how_journeys_ended(run):
    _, said, directory, _ = run
    journeys = facts(directory)["journeys"]
    sentence = f"{journeys['completed']} of {journeys['started']} journeys completed"
    assert sentence in inside(None, "report", directory, "--no-report").stdout or sentence in said.stderr


def test_what_cannot_be_shared_or_chosen_is_refused(tmp_path):
    (tmp_path / "shop.py").write_text(SHOP)
    target = ("--target", "shop.py:create?log=log.txt")
    said = inside(tmp_path, "run", "steady", "--rate", "30", "--workers", "2", *target)
    assert (said.code, said.error[:42]) == (2, "Several workers cannot share the arrivals ")
    said = inside(tmp_path, "run", "asset-read", "--rate", "30", *target)
    assert said.code == 2
    assert "make them in the order of its journey" in said.error
