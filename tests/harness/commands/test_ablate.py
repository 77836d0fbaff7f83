"""`harness ablate` from the command line, on a target of which the worth of the switch is known."""

import functools
import os

import pytest

from harness.cli import main
from harness.commands import ablate
from harness.exact.process import ExactPlan
from harness.exact.sides import Plans
from harness.session.receipt import Rule, SessionPlan
from harness.work import ablation
from tests.support.cli import inside

TOY = """
class Toy:
    operations = {"doubled": 1, "spared": 1}

    def __init__(self, turns):
        self.turns = {"doubled": turns, "spared": 1000}

    def make_event(self, operation, rng):
        return operation

    def call(self, event):
        total = 0
        for turn in range(self.turns[event]):
            total += turn * 7 % 13
        return total


def create(switches=""):
    return Toy(2000 if "fast:off" in switches else 1000)
"""


FEW = ExactPlan(requests=10, repetitions=1)
THREE_BLOCKS = SessionPlan(rule=Rule.FIXED, screen_blocks=3, confirm_blocks=0, slices=12)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    project = tmp_path / "project"
    project.mkdir()
    (project / "toy.py").write_text(TOY)
    (project / "pyproject.toml").write_text('[tool.harness]\ntarget = "toy.py:create"\n')
    monkeypatch.chdir(project)
    return project


@pytest.mark.measures
def test_a_switch_that_halves_the_work_of_one_operation_is_worth_its_double_there_and_nothing_elsewhere(
    folder, monkeypatch
):
    """Sizes need few blocks: how many bound an interval, and which, is known of simulated ones."""
    monkeypatch.setattr(ablate, "spread_budget", lambda *_: THREE_BLOCKS)
    counts = functools.partial(ablation.SharedCounts, plans=Plans(FEW, FEW))
    monkeypatch.setattr(ablation, "SharedCounts", counts)
    said = inside(folder, "ablate", "--switch", "fast", "--json")
    assert said.code == 0, said.stderr
    rows = {(row["operation"], row["metric"]): row for row in said.document["rows"]}
    doubled, spared = rows["doubled", "wall"], rows["spared", "wall"]
    assert {row["switch"] for row in rows.values()} == {"fast"}
    assert doubled["worth"] == pytest.approx(1.0, abs=0.15)
    assert (doubled["low"], doubled["verdict"], doubled["note"]) == (
        None,
        "invalid",
        "too few blocks for an interval",
    )
    assert abs(spared["worth"]) < 0.15
    assert rows["spared", "allocations"]["worth"] == 0
    assert "toy.py:create" in said.stderr, "the target of the policy is named"
    report = folder / said.document["report"]
    assert {"report.html", "ablation.md", "fast.json"} <= {path.name for path in report.parent.iterdir()}
    assert os.listdir(folder.parent / "tmp") == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "has no known switches"),
        (("--target", "asset-core", "--switch", "poling"), "no switch 'poling'"),
        (("--switch", "fast", "--budget", "40s"), "too few to bound an effect"),
        (("--target", "nothing", "--switch", "fast"), "no target 'nothing'"),
    ],
)
def test_what_cannot_be_ablated_is_one_sentence_and_leaves_no_folder(folder, words, sentence, capsys):
    assert main(["ablate", *words]) == 2
    assert sentence in capsys.readouterr().err
    assert not (folder / "runs").exists()
