"""A benchmark that slows as it is called is noticed, and a busy moment is not taken for that."""

import random

import msgspec
import pytest

from harness.session.receipt import Slices
from harness.session.slowing import slowing
from tests.support.judge import simulated


def with_slices(growth, sides=2, blocks=8, noise=0.02):
    rng = random.Random(1)
    receipt = simulated({"a": 0.0}, sd=0.01, seed=1)
    slices = lambda slope: [
        round(1e6 * (1 + slope * number / 40) * rng.lognormvariate(0, noise)) for number in range(40)
    ]
    made = [
        msgspec.structs.replace(
            block,
            slices={
                "a": Slices(
                    base_ns=slices(growth), candidate_ns=slices(growth if sides == 2 else 0), first=[0] * 40
                )
            },
        )
        for block in receipt.blocks[:blocks]
    ]
    receipt.blocks = made
    return receipt


def test_growth_on_both_sides_of_all_blocks_is_told_with_its_size_and_a_remedy():
    (note,) = slowing(with_slices(0.3))
    assert note.startswith("a slows as it is called: by 1")
    assert "benchmark.pedantic" in note


@pytest.mark.parametrize(
    "options", [{"growth": 0.0}, {"growth": 0.3, "sides": 1}, {"growth": 0.3, "blocks": 3}]
)
def test_steady_benchmarks_one_side_alone_and_few_blocks_are_not(options):
    assert list(slowing(with_slices(**options))) == []


def test_a_busy_moment_in_some_blocks_is_no_slowing():
    receipt, busy = with_slices(0.0), with_slices(0.5)
    receipt.blocks = [*receipt.blocks[:5], *busy.blocks[:3]]
    assert list(slowing(receipt)) == []
