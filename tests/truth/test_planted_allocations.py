"""`harness profile` on planted allocations: what is counted is named with its exact size, and nothing else is named."""

import shutil

import pytest

from tests.support.planted import assert_turned_round, changed, checkouts, functions, profile, report

KINDS = ("memory/memory", "memory/leaks")


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    return checkouts(tmp_path_factory.mktemp("plants"), loops=10)


@pytest.fixture(scope="module")
def planted(sides):
    """Both checkouts in five interleaved rounds: allocations and a leak in `write`."""
    here, other = sides
    return profile(here, "--kinds", "memory", "--base", f"path:{other}")


def test_an_extra_allocation_is_counted_exactly_and_nothing_else_is_named(planted):
    own = functions(planted, "memory/memory")
    assert changed(planted, "memory/memory") == {("write", "build.<locals>.<listcomp>"), ("write", "keep")}
    built = own["write", "build.<locals>.<listcomp>"]
    # Ten byte arrays more, each an object and a buffer, and perhaps a list that grew.
    assert 20 <= built["change"] <= 22
    assert built["low"] == built["high"]


def test_a_leak_is_named_with_its_bytes_and_nothing_else_is(planted):
    assert changed(planted, "memory/leaks") == {("write", "keep")}
    leak = functions(planted, "memory/leaks")["write", "keep"]
    assert leak["before"] == 0
    assert 3000 <= leak["change"] <= 3200


@pytest.mark.parametrize("name", KINDS)
def test_sides_that_change_places_change_their_signs_and_nothing_else(planted, sides, name):
    base, candidate = (run["dir"] for run in planted["runs"])
    assert_turned_round(planted, report(sides[0], candidate, base), name)


def test_a_profile_against_itself_is_the_same_everywhere(planted, sides, tmp_path):
    base = planted["runs"][0]["dir"]
    shutil.copytree(sides[0] / base, tmp_path / "copy")
    same = report(sides[0], base, tmp_path / "copy")
    assert {own["finding"] for own in functions(same, "memory/memory").values()} == {"same"}


def test_leaks_are_folded_for_other_tools(planted, sides):
    directory = sides[0] / planted["runs"][1]["dir"]
    assert "operation:write;" in (directory / "memory" / "leaks.folded").read_text()
