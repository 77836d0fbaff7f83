"""From what the user typed to the sides of a comparison, and to what each suite drives."""

import pytest

from harness.errors import UsageError
from harness.policy.policy import Policy
from harness.session.receipt import Side
from harness.session.sides.prepare import Prepared
from harness.session.sides.subjects import TargetSide, TreeSide
from harness.work.sides import (
    counted_subjects,
    drive,
    driven_sides,
    gated_sides,
    load_scenario,
    overlays,
    read_side,
)
from tests.support.session import project, write


def test_a_revision_is_one_of_the_project(tmp_path):
    assert read_side("git:v1.2", Policy(), tmp_path) == TreeSide("git:v1.2", tmp_path.resolve(), "v1.2")


def test_a_gate_of_the_base_itself_is_told_that_it_compares_nothing(tmp_path):
    folder = project(tmp_path / "project")
    assert "itself, without changes" in gated_sides(folder, "main").where_it_left
    write(folder, {"pkg/__init__.py": "CHANGED = 1\n"})
    assert gated_sides(folder, "main").where_it_left == ""


def test_a_checkout_is_taken_as_it_lies_there(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    side = read_side(f"path:{other}", Policy(), tmp_path)
    assert (side.project, side.revision, side.label) == (other.resolve(), None, "other")


def test_a_variant_is_one_of_the_core_in_memory_unless_the_policy_names_a_target(tmp_path):
    side = read_side("variant:baseline", Policy(), tmp_path)
    assert (side.factory, side.label) == ("targets.core_target:create", "baseline")
    assert dict(side.parameters) == {"backends": "memory", "latency_ms": "0", "variant": "baseline"}
    own = read_side("variant:fast", Policy(target="mine.py:create?size=3"), tmp_path)
    assert (own.factory, dict(own.parameters)) == ("mine.py:create", {"size": "3", "variant": "fast"})


def test_a_target_keeps_what_the_user_wrote_into_its_spec(tmp_path):
    assert read_side("target:known:noop", Policy(), tmp_path) == TargetSide(
        "target:known:noop", "targets.known:noop", {}
    )
    slow = read_side("target:asset-core?latency_ms=2", Policy(), tmp_path)
    assert slow.parameters["latency_ms"] == "2"


@pytest.mark.parametrize(
    "text", ["", "main", ":", "variant:", "target:", "commit:abc", "variant", "Git:main"]
)
def test_anything_else_is_no_subject_and_the_four_forms_are_named(tmp_path, text):
    with pytest.raises(UsageError, match=r"not a side to compare.*git:.*path:.*variant:.*target:"):
        read_side(text, Policy(), tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("git:", "names nothing"),
        ("path:", "names nothing"),
        ("path:nowhere", "is not a folder"),
        ("variant:quick", "no variant 'quick'.*optimised"),
        ("target:known:nop", "no target 'known:nop'.*known:noop"),
        ("target:known:noop?x", "cannot be read"),
        ("target:asset-core?variant=quick", "no variant 'quick'"),
    ],
)
def test_a_form_with_nonsense_in_it_is_refused_by_name(tmp_path, text, words):
    with pytest.raises(UsageError, match=words):
        read_side(text, Policy(), tmp_path)


def test_revisions_are_driven_by_the_target_of_the_policy_or_not_at_all():
    assert driven_sides("git:a", "path:.", Policy()) is None
    found = driven_sides("git:a", "path:.", Policy(target="shop.work:create"))
    assert {side: one.spec.name for side, one in found.items()} == {
        Side.BASE: "shop.work:create",
        Side.CANDIDATE: "shop.work:create",
    }


def test_variants_and_targets_are_driven_themselves():
    found = driven_sides("variant:baseline", "target:known:noop", Policy(target="shop.work:create"))
    assert found[Side.BASE].spec.text == "shop.work:create?variant=baseline"
    assert found[Side.CANDIDATE].entry.factory == "targets.known:noop"


def test_what_counts_has_the_clock_of_the_core_stopped():
    driven = driven_sides("variant:baseline", "variant:optimised", Policy())
    subjects = counted_subjects(driven, dict.fromkeys(Side))
    assert {one.parameters["clock"] for one in subjects.values()} == {"stopped"}
    assert subjects[Side.CANDIDATE].parameters["variant"] == "optimised"


def test_the_scenario_is_the_one_named_or_the_policys_or_the_targets():
    core = dict.fromkeys(Side, drive("asset-core"))
    own = dict.fromkeys(Side, drive("mine.py:create"))
    assert load_scenario("closed", Policy(scenario="steady"), core).name == "closed"
    assert load_scenario(None, Policy(scenario="steady"), core).name == "steady"
    assert load_scenario(None, Policy(), core).name == "asset-read"
    assert load_scenario(None, Policy(), own).name == "steady"
    with pytest.raises(UsageError, match="no scenario 'stedy'"):
        load_scenario("stedy", Policy(), own)


def prepared(folder, *names):
    """Two trees with a package for each name, as a session prepares them."""
    for side in Side:
        for name in names:
            (folder / side / name).mkdir(parents=True)
            (folder / side / name / "__init__.py").write_text(f"SIDE = '{side}'\n")
    trees = {side: folder / side for side in Side}
    return Prepared(folder, None, None, {}, {}, {}, trees, dict(zip(names, names, strict=True)))


def test_targets_of_ours_have_no_overlay(tmp_path):
    assert overlays(prepared(tmp_path), tmp_path / "places") == dict.fromkeys(Side)


def test_each_side_drives_its_own_code_by_the_harness_that_runs(tmp_path):
    places = overlays(prepared(tmp_path, "shop", "harness"), tmp_path)
    for side in Side:
        assert (places[side] / "shop" / "__init__.py").read_text() == f"SIDE = '{side}'\n"
        assert not (places[side] / "harness").exists()
