"""Users with state: what each of them did stands in a log of the target, and the run must agree with it."""

import json

import pytest

from harness.model import Engine, Executor
from tests.support.cli import facts, inside, table

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


ASYNC = {
    "def call": "async def call",
    "time.sleep": "await asyncio.sleep",
    "import itertools": "import asyncio, itertools",
}
LOADS = {
    Executor.OPEN: ("steady", "--rate", "40"),
    Executor.CLOSED: ("closed", "--users", "3", "--think-time", "10ms"),
}


@pytest.fixture(
    scope="module", params=[(kind, engine) for engine in Engine for kind in Executor], ids=" ".join
)
def run(request, tmp_path_factory):
    kind, engine = request.param
    folder = tmp_path_factory.mktemp(kind)
    source = SHOP
    for before, after in ASYNC.items() if engine is Engine.ASYNCIO else ():
        source = source.replace(before, after)
    (folder / "shop.py").write_text(source)
    said = inside(
        folder, "run", *LOADS[kind], "--duration", "1s", "--warmup", "300ms",
        "--target", f"shop.py:create?log=log.txt&engine={engine}", "--json",
    )  # fmt: skip
    assert said.code in {0, 5}, said.stderr
    (directory,) = (folder / "runs").iterdir()
    log = [json.loads(line) for line in (folder / "log.txt").read_text().splitlines()]
    assert facts(directory)["engine"] == engine
    return kind, said, directory, log


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
        assert sum(rows["operation"] == 1) == 40 + 12


def test_a_step_is_intended_at_the_end_of_the_one_before_and_its_pause(run):
    kind, _, directory, _ = run
    rows = table(directory)
    second = rows[(rows["operation"] == 2) & (rows["outcome"] == 2)]
    ends = set(rows["completed_ns"].tolist())
    follows_a_pause = [intended - 30_000_000 in ends for intended in second["intended_ns"].tolist()]
    follows_at_once = [intended in ends for intended in second["intended_ns"].tolist()]
    assert sum(follows_a_pause) > 10
    # After the first answer of a kind, the work on it comes between.
    assert sum(follows_a_pause) + sum(follows_at_once) > 0.8 * len(second), kind


def test_the_report_tells_how_journeys_ended(run):
    _, _, directory, _ = run
    journeys = facts(directory)["journeys"]
    sentence = f"{journeys['completed']} of {journeys['started']} journeys completed"
    assert sentence in inside(None, "report", directory, "--verbose", "--no-report").stdout


def test_what_cannot_be_shared_or_chosen_is_refused(tmp_path):
    (tmp_path / "shop.py").write_text(SHOP)
    target = ("--target", "shop.py:create?log=log.txt")
    said = inside(tmp_path, "run", "steady", "--rate", "30", "--workers", "2", *target)
    assert (said.code, said.error[:42]) == (2, "Several workers cannot share the arrivals ")
    said = inside(tmp_path, "run", "asset-read", "--rate", "30", *target)
    assert said.code == 2
    assert "make them in the order of its journey" in said.error
