"""Profiles as data: nothing is lost or invented, and damage is named."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InvalidRunError
from harness.profiles.stacks.folded import (
    Profile,
    diff,
    format_folded,
    merge,
    parse_folded,
    read_folded,
    write_folded,
)
from harness.profiles.stacks.frames import MARKER_FILE, engine_file, frame, frame_path, relative_path

names = st.text(min_size=1, max_size=12)
few_names = st.sampled_from(["operation:a", "operation:b", "(driver)", "f (m.py)", "g (m.py)"])
weights = st.integers(0, 10**9)


def profiles(name=few_names):
    stacks = st.dictionaries(st.lists(name, min_size=1, max_size=5).map(tuple), weights, max_size=8)
    return st.builds(Profile, st.just("samples"), stacks)


@given(profiles(names))
def test_any_profile_is_read_back_as_it_was_written(profile):
    assert parse_folded(format_folded(profile)) == profile


@given(profiles(names))
def test_a_hostile_name_breaks_no_line_and_no_frame(profile):
    text = format_folded(profile)
    assert len(text.splitlines()) == 1 + len(profile.stacks)
    stacks = [row.rpartition(" ")[0].split(";") for row in text.splitlines()[1:]]
    assert sorted(map(len, stacks)) == sorted(map(len, profile.stacks))


@given(st.dictionaries(st.tuples(few_names), st.floats(0, 1e30), max_size=4))
def test_fractions_are_read_back_exactly(stacks):
    assert parse_folded(format_folded(Profile("bytes", stacks))).stacks == stacks


@given(st.lists(profiles(), min_size=1, max_size=4))
def test_merging_conserves_the_total(parts):
    assert merge(parts).total == sum(part.total for part in parts)


@given(profiles(), profiles())
def test_merging_does_not_depend_on_the_order(first, second):
    assert merge([first, second]).stacks == merge([second, first]).stacks


@given(profiles())
def test_splitting_by_operation_conserves_the_total(profile):
    assert sum(part.total for part in profile.by_operation().values()) == profile.total


@given(profiles(), st.integers(1, 100))
def test_scaling_scales_the_total_and_nothing_else(profile, factor):
    assert profile.scaled(factor).total == profile.total * factor
    assert profile.scaled(factor).stacks.keys() == profile.stacks.keys()


@given(profiles(), profiles())
def test_a_difference_adds_up_to_the_difference_of_the_totals(before, after):
    assert diff(before, after).change == after.total - before.total


@given(profiles(), profiles())
def test_swapping_the_sides_flips_the_sign_and_nothing_else(before, after):
    assert diff(before, after).swapped() == diff(after, before)
    assert diff(before, after).swapped().change == -diff(before, after).change


@given(profiles())
def test_a_profile_does_not_differ_from_itself(profile):
    assert all(before == after for before, after in diff(profile, profile).stacks.values())


@given(profiles())
def test_own_weights_add_up_to_the_total_and_no_function_exceeds_it(profile):
    functions = profile.functions()
    assert sum(own for own, _ in functions.values()) == profile.total
    assert all(own <= whole <= profile.total for own, whole in functions.values())


def test_recursion_counts_once():
    assert Profile("samples", {("f", "g", "f"): 3}).functions() == {"f": (3, 3), "g": (0, 3)}


def test_operations_lose_their_root_and_the_driver_stays_apart():
    profile = Profile("samples", {("operation:GET /", "f"): 2, ("(driver)", "f"): 1, ("operation:GET /",): 4})
    parts = profile.by_operation()
    assert parts["GET /"].stacks == {("f",): 2, ("operation:GET /",): 4}
    assert parts["(driver)"].total == 1


def test_lines_stand_beside_the_frames_and_survive_the_file(tmp_path):
    profile = Profile("bytes", {("a;b (m.py)", "g (m.py)"): 5}, {"a;b (m.py)": 12})
    write_folded(tmp_path / "p.folded", profile)
    assert read_folded(tmp_path / "p.folded") == profile
    assert [path.name for path in tmp_path.iterdir()] == ["p.folded"]


def test_the_text_is_what_other_tools_read():
    text = format_folded(Profile("samples", {("a", "b c"): 42}, {"a": 7}))
    assert text == "# unit: samples.\n# line 7 of a.\na;b c 42\n"


def test_folded_text_of_other_tools_is_read_and_equal_stacks_add_up():
    assert parse_folded("a;b 1\na;b 2\n") == Profile("samples", {("a", "b"): 3})


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("a;b", "not a weight"),
        ("a;b x", "not a weight"),
        ("a;b -1", "not a weight"),
        ("a;b nan", "not a weight"),
        ("a;b inf", "not a weight"),
        ("a;;b 1", "empty frame"),
        (" 1", "empty frame"),
        ("a\udc80 1", "UTF-8"),
    ],
)
def test_damage_is_named_with_file_and_line(tmp_path, row, why):
    path = tmp_path / "cpu.folded"
    path.write_bytes(f"# unit: samples.\na 1\n{row}\n".encode(errors="surrogateescape"))
    with pytest.raises(InvalidRunError, match=why) as caught:
        read_folded(path)
    assert f"{path}:3" in str(caught.value)


def test_a_file_that_was_cut_off_is_damaged(tmp_path):
    path = tmp_path / "cpu.folded"
    path.write_text("a 12\nb 1")
    with pytest.raises(InvalidRunError, match="cut off"):
        read_folded(path)


def test_a_missing_file_is_an_error_with_its_path(tmp_path):
    with pytest.raises(InvalidRunError, match=r"no\.folded"):
        read_folded(tmp_path / "no.folded")


def test_different_units_do_not_mix():
    first, second = Profile("bytes", {("a",): 1}), Profile("samples", {("a",): 1})
    with pytest.raises(ValueError, match="one unit"):
        merge([first, second])
    with pytest.raises(ValueError, match="cannot be compared"):
        diff(first, second)


def test_a_hundred_thousand_stacks_go_through_every_step():
    rng = random.Random(1)
    functions = [f"f{number}" for number in range(2000)]
    stacks = {(f"operation:{i % 7}", *rng.choices(functions, k=12)): 1 + i % 5 for i in range(100_000)}
    profile = Profile("samples", stacks)
    again = parse_folded(format_folded(profile))
    assert again == profile
    assert math.isclose(sum(own for own, _ in again.functions().values()), profile.total)
    assert sum(part.total for part in again.by_operation().values()) == profile.total


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/me/checkout/harness/load.py", "harness/load.py"),
        ("/home/me/checkout/.venv/lib/python3.11/site-packages/redis/client.py", "redis/client.py"),
        ("/usr/lib/python3/dist-packages/yaml/reader.py", "yaml/reader.py"),
        ("/usr/lib/python3.11/json/decoder.py", "json/decoder.py"),
        ("/home/me/checkout/src/shop/cart.py", "shop/cart.py"),
        ("/tmp/w-8f2/cart.py", "cart.py"),
        ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap>"),
    ],
)
def test_paths_are_those_of_modules_wherever_the_checkout_stands(path, expected):
    assert relative_path(path, ["/home/me/checkout", "/home/me/checkout/src/"]) == expected


def test_the_key_of_a_frame_gives_back_its_path():
    key = frame("Cart.add", "/w/shop/cart.py", ["/w"])
    assert key == "Cart.add (shop/cart.py)"
    assert frame_path(key) == "shop/cart.py"
    assert frame_path("(driver)") == ""
    assert frame_path("operation:list (all)") == ""


def test_frames_of_the_harness_are_told_by_modules_that_exist():
    assert engine_file("harness.profiles.stacks.marker") == MARKER_FILE == "harness/profiles/stacks/marker.py"
    with pytest.raises(ModuleNotFoundError, match=r"harness/moved_away\.py"):
        engine_file("harness.moved_away")
