"""`harness profile` on planted changes of CPU time: each is named in its place with its size, and no other is named.

Of what is called changed by sampling at most 5 % is expected to be wrong, so one more name is no failure.
"""

import json
import shutil

import pytest

from tests.support.planted import (
    PLANTS,
    assert_turned_round,
    changed,
    checkouts,
    functions,
    profile,
    report,
)

pytestmark = pytest.mark.measures
QUICK = ("--kinds", "cpu", "--overhead-budget", "100%")
CPU = "cpu/cpu"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("plants")


@pytest.fixture(scope="module")
def sides(folder):
    return checkouts(folder, loops=20_000)


@pytest.fixture(scope="module")
def planted(sides):
    """Both checkouts in five interleaved rounds: a slow function in `read`, and a spin in `write`."""
    here, other = sides
    return profile(here, *QUICK, "--base", f"path:{other}", "--hz", 400, "--duration", "500ms")


def test_a_slow_function_and_a_spin_in_another_operation_are_named_in_their_places(planted):
    assert planted["interleaved"] is True
    assert len(changed(planted, CPU) - PLANTS) <= 1
    assert all(own["change"] > 0 for key, own in functions(planted, CPU).items() if key in PLANTS)
    assert changed(planted, CPU) >= PLANTS


def test_their_sizes_lie_within_their_intervals(planted):
    own = functions(planted, CPU)
    # Every loop costs the same, and `parse` makes as many on both sides: 6 times as many more in render, 4 times in spin.
    loops_ns = [own[operation, "parse"]["before"] for operation in ("read", "write")]
    loops_ns += [own[operation, "parse"]["after"] for operation in ("read", "write")]
    unit_ns = sum(loops_ns) / len(loops_ns)
    assert own["read", "render"]["low"] < 6 * unit_ns < own["read", "render"]["high"]
    assert own["write", "spin"]["low"] < 4 * unit_ns < own["write", "spin"]["high"]


def test_a_checkout_elsewhere_with_shifted_lines_has_the_same_functions(planted):
    own = functions(planted, CPU)
    # Both sides have every function: no key holds a line or a folder.
    for operation in ("read", "write"):
        for name in ("parse", "render", "spin"):
            assert own[operation, name]["before"], (operation, name)
            assert own[operation, name]["after"], (operation, name)


def test_sides_that_change_places_change_their_signs_and_nothing_else(planted, sides):
    base, candidate = (run["dir"] for run in planted["runs"])
    back = report(sides[0], candidate, base)
    assert back["interleaved"] is True
    assert_turned_round(planted, back, CPU)


def test_a_profile_against_itself_is_the_same_everywhere(planted, sides, folder):
    base = planted["runs"][0]["dir"]
    shutil.copytree(sides[0] / base, folder / "copy")
    same = report(sides[0], base, folder / "copy")
    assert {own["finding"] for own in functions(same, CPU).values()} <= {"cannot tell", "same"}
    assert all(own["change"] == 0 for own in functions(same, CPU).values())


def test_ten_times_the_samples_over_twice_the_time_are_the_same_time_per_request(sides):
    here, target = sides[0], ("--target", "shop.core:create")
    slow = profile(here, *QUICK, *target, "--hz", 100, "--duration", "700ms")
    fast = profile(here, *QUICK, *target, "--hz", 1000, "--duration", "1400ms")
    both = report(here, *(run["dir"] for run in (*slow["runs"], *fast["runs"])))
    assert both["interleaved"] is False
    assert changed(both, CPU) == set()
    own = functions(both, CPU)
    before, after = (sum(one[side] for one in own.values()) for side in ("before", "after"))
    # Twenty times as many samples; the machine may have been another one meanwhile, but not by much.
    assert 1 / 3 < after / before < 3


def test_the_rounds_of_each_side_are_kept_in_the_order_of_their_turns(planted, sides):
    document = json.loads((sides[0] / planted["runs"][1]["dir"] / "run.json").read_text())
    assert len(document["rounds"]) == 5
    assert {turn for one in document["rounds"] for turn in one["turn"].values()} == {0, 1}
