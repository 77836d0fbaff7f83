"""The command that a report proposes next: one that exists, and the one that answers the next question."""

import shlex

import pytest

from harness.cli import COMMANDS, make_parser
from harness.model import Outcome
from harness.reading import summary
from harness.reading.judging import judge
from reports.run import view
from tests.support.run_builder import make_run


@pytest.fixture
def built(tmp_path):
    return lambda *specs: view.build([judge(summary.load(make_run(tmp_path, **spec))) for spec in specs])


def test_a_profiled_run_proposes_twice_the_rate_and_an_unprofiled_pair_its_profiles(built):
    shown = built({"profiles": {"cpu": {"file": "cpu/cpu.folded"}}})
    assert shown.next_command.command.endswith("--rate 400")
    shown = built({"variant": "slow"}, {"variant": "fast"})
    assert shown.next_command.command.endswith("--variant slow --variant fast --profile cpu,memory")


PROFILED = {"profiles": {"cpu": {"file": "cpu/cpu.folded"}}, "target": "asset-core"}


def test_two_profiled_variants_of_one_target_are_best_compared_live(built):
    slow, fast = PROFILED | {"variant": "baseline"}, PROFILED | {"variant": "optimised"}
    shown = built(slow, fast)
    assert shown.next_command.command.startswith(
        "harness compare 'target:asset-core?variant=baseline' 'target:asset-core?variant=optimised' --suite load"
    )
    for others in ((slow,), (slow, slow), (slow, fast, fast), (slow, fast | {"target": "mine.py:create"})):
        shown = built(*others)
        assert shown.next_command.command.startswith("harness run")


def test_only_commands_that_exist_are_proposed_with_words_that_they_know(built):
    pair = (PROFILED | {"variant": "baseline"}, PROFILED | {"variant": "optimised"})
    for runs in (({},), (PROFILED,), ({"outcome": Outcome.FAILED},), pair):
        shown = built(*runs)
        _, *words = shlex.split(shown.next_command.command)
        args, unknown = make_parser(words).parse_known_args(words)
        assert (args.command in COMMANDS, unknown) == (True, [])
