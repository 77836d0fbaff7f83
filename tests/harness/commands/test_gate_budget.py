"""`harness gate --budget`: what is planned and what is carried out, by a clock that blocks and counting advance."""

import functools
import json
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from harness.cli import main
from harness.session import conductor
from harness.session.allowance import Allowance
from harness.session.receipt import NULL_CONTROL, State
from harness.session.slots.sizing import Discovery, Found
from harness.stats.sequential import fewest_pairs
from harness.units import parse_duration_s
from harness.work import sessions
from tests.support.cli import sentence_of
from tests.support.gate import make_shop, without_target
from tests.support.judge import block, count, slices

NAME = "test_work.py::test_total"


class World:
    """A machine on which everything takes as long as it is told, and the candidate is slower by `change`."""

    def __init__(self, monkeypatch, *, slower=1.0, change=0.0, counting_s=6.0):
        self.now_s, self.slower, self.change, self.counting_s = 0.0, slower, change, counting_s
        found = Found(NAME, "test_work.py", State.BOTH, 1e6, 1e6, whole_ns=1e6, ready_s=0.3)
        self.found = Discovery((found,), 0.5, NAME)
        monkeypatch.setattr(sessions, "Allowance", functools.partial(Allowance, clock=lambda: self.now_s))
        monkeypatch.setattr(conductor.MicroSession, "discover", lambda _: self.passing(4.0, self.found))
        monkeypatch.setattr(sessions, "trace_suite", self.count)
        monkeypatch.setattr(sessions, "explain", self.explain)
        monkeypatch.setattr(conductor, "run_block", self.block)
        monkeypatch.setattr(conductor, "warm_byte_code", lambda *_: self.passing(1.5, None))
        self.profiled = []

    def passing(self, seconds, value):
        self.now_s += seconds
        return value

    def count(self, *_):
        return self.passing(self.counting_s, [count([9] * 3, [9] * 3, benchmark=NAME, metric="allocations")])

    def explain(self, _receipt, regressed, _stage, *, most_s):
        self.profiled.append(most_s)
        return self.passing(40.0, [])

    def block(self, stage, request):
        seconds = self.slower * self.found.block_s(conductor.SessionPlan())
        self.now_s += seconds
        made = block(request.number, request.phase, {}, seconds=seconds, swapped=request.swapped)
        pairs = {one.name: one.pairs for one in request.benchmarks}
        # The smallest differences, so that no two blocks tie.
        changes = {NAME: self.change + request.number * 1e-6, NULL_CONTROL: (-1) ** request.number * 1e-3}
        measured = {name: slices(changes[name], pairs=pairs[name]) for name in pairs}
        return msgspec.structs.replace(made, slices=measured)


@pytest.fixture
def gate(tmp_path, monkeypatch, capsys):
    shop = make_shop(tmp_path / "shop")
    without_target(shop)
    monkeypatch.chdir(shop)

    def run(budget):
        code = main(["gate", "--json", "--budget", budget])
        found = json.loads(capsys.readouterr().out)
        receipt = json.loads(Path(found["receipt"]).read_text()) if "receipt" in found else None
        return code, found, receipt

    return run


def made(receipt):
    return dict(Counter(one["phase"] for one in receipt["blocks"]))


def test_a_budget_that_is_too_short_is_refused_beforehand_and_the_one_that_it_names_does(gate, monkeypatch):
    World(monkeypatch)
    code, found, _ = gate("45s")
    assert code == 2
    named = sentence_of(found).partition("a budget of at least ")[2].partition(",")[0]
    world = World(monkeypatch)
    code, found, receipt = gate(named)
    assert (code, found["verdict"], receipt["cut"]) == (0, "ok", "")
    assert world.now_s <= parse_duration_s(named)


@pytest.mark.parametrize(("slower", "profiles"), [(1.0, 1), (2.5, 0)])
def test_a_regression_is_found_and_profiled_within_the_budget(gate, monkeypatch, slower, profiles):
    world = World(monkeypatch, change=0.2, slower=slower)
    code, found, receipt = gate("160s")
    assert (code, found["verdict"]) == (3, "regressed")
    assert world.now_s <= 160
    plan = receipt["plan"]
    # Of blocks that all agree, these are the fewest that decide.
    assert made(receipt) == {"screen": plan["least_blocks"], "confirm": fewest_pairs(100)}
    assert len(world.profiled) == profiles
    left_out = "left no time to profile" in " ".join(found["reasons"])
    assert left_out == (not profiles)


def test_a_machine_on_which_it_cannot_end_in_a_verdict_ends_inconclusive_in_time(gate, monkeypatch):
    world = World(monkeypatch, change=0.2, slower=6.0)
    code, found, receipt = gate("100s")
    assert (code, found["verdict"]) == (0, "inconclusive")
    assert world.now_s <= 110
    assert receipt["cut"] in found["reasons"]


def test_counting_that_takes_the_time_of_blocks_makes_them_fewer(gate, monkeypatch):
    World(monkeypatch)
    usual = gate("100s")[2]["plan"]
    world = World(monkeypatch, counting_s=30.0)
    code, _, receipt = gate("100s")
    assert (code, receipt["cut"]) == (0, "")
    assert made(receipt)["screen"] <= usual["screen_blocks"]
    assert receipt["plan"]["confirm_blocks"] <= usual["confirm_blocks"]
    assert world.now_s <= 100
