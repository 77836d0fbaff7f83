"""`harness profile` on planted changes: each is named in its place with its size, and what did not change is not named.

Of what is called changed by sampling at most 5 % is expected to be wrong, so one more name is no failure; what is
counted has no such allowance.
"""

import json
import shutil

import pytest

from harness.errors import ExitCode
from tests.cli_support import harness

CODE = """
from itertools import repeat

HELD = []


def spin(loops):
    for _ in repeat(None, loops):
        pass


def parse(loops):
    for _ in repeat(None, loops):
        pass


def render(loops):
    for _ in repeat(None, loops):
        pass


def build(count):
    return [bytearray(200) for _ in range(count)]


def keep(size):
    if size:
        HELD.append(bytearray(size))


class Target:
    operations = {"read": 1, "write": 1}

    def __init__(self, is_changed):
        self.sizes = {name: (40_000, 20_000, 10, 0) for name in self.operations}
        if is_changed:
            self.sizes = {"read": (240_000, 20_000, 10, 0), "write": (40_000, 160_000, 20, 3000)}

    def make_event(self, operation, rng):
        return operation

    def call(self, event):
        render_loops, spin_loops, built, kept = self.sizes[event]
        parse(40_000)
        render(render_loops)
        spin(spin_loops)
        build(built)
        keep(kept)


def create(variant="base"):
    return Target(variant == "changed")
"""
QUICK = ("--users", 1, "--warmup", "100ms", "--hz", 400, "--overhead-budget", "100%", "--json")
PROJECT = '[tool.harness]\nsource-roots = ["shop"]\ntarget = "shop.core:create"\n'


def profile(*words, cwd):
    said = harness("profile", "closed", *QUICK, *words, cwd=cwd)
    assert said.code == ExitCode.OK, said.stderr
    return said.document


def report(*directories, cwd):
    said = harness("report", *directories, "-o", "again.html", "--json", cwd=cwd)
    assert said.code == ExitCode.OK, said.stderr
    return said.document


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("plants")
    (made / "planted.py").write_text(CODE)
    return made


@pytest.fixture(scope="module")
def planted(folder):
    """Both variants in five interleaved rounds: a slow function in `read`; a spin, allocations and a leak in `write`."""
    return profile(
        "--target", "planted.py:create", "--variant", "base", "--variant", "changed", "--duration", "1s", cwd=folder
    )  # fmt: skip


@pytest.fixture(scope="module")
def shifted(folder):
    """The same code against a copy in another folder, with every line somewhere else."""
    here, other = folder / "here" / "shop", folder / "another" / "checkout" / "shop"
    for package, code in ((here, CODE), (other, f"# A comment.\n\n\n{CODE}")):
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "core.py").write_text(code)
        (package.parent / "pyproject.toml").write_text(PROJECT)
    return profile(
        "--base", f"path:{other.parent}", "--kinds", "cpu", "--duration", "600ms", cwd=here.parent
    )  # fmt: skip


def functions(document, name):
    (part,) = [part for part in document["differences"] if part["profile"] == name]
    return {(row["operation"], row["function"].partition(" ")[0]): row["own"] for row in part["functions"]}


def changed(document, name):
    return {key for key, own in functions(document, name).items() if own["finding"] == "changed"}


def test_a_slow_function_and_a_spin_in_another_operation_are_named_in_their_places(planted):
    assert planted["interleaved"] is True
    named, plants = changed(planted, "cpu/cpu"), {("read", "render"), ("write", "spin")}
    assert len(named - plants) <= 1
    assert all(own["change"] > 0 for key, own in functions(planted, "cpu/cpu").items() if key in plants)
    # A machine that gives a round little of its second may leave so few calls that nothing can be told.
    rounds = [one for run in planted["runs"] for one in run["profiles"]["cpu"]]
    if min(one["cpu_s"] or 0 for one in rounds) > 0.3:
        assert plants <= named


def test_their_sizes_lie_within_their_intervals(planted):
    own = functions(planted, "cpu/cpu")
    # Every loop costs the same, and `parse` makes 40,000 on both sides: 200,000 more in render, 140,000 in spin.
    loops_ns = [own[operation, "parse"]["before"] for operation in ("read", "write")]
    loops_ns += [own[operation, "parse"]["after"] for operation in ("read", "write")]
    unit_ns = sum(loops_ns) / len(loops_ns)
    assert own["read", "render"]["low"] < 5 * unit_ns < own["read", "render"]["high"]
    assert own["write", "spin"]["low"] < 3.5 * unit_ns < own["write", "spin"]["high"]


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


def test_sides_that_change_places_change_their_signs_and_nothing_else(planted, folder):
    base, candidate = (run["dir"] for run in planted["runs"])
    back = report(candidate, base, cwd=folder)
    assert back["interleaved"] is True
    for name in ("cpu/cpu", "memory/memory", "memory/leaks"):
        there, again = functions(planted, name), functions(back, name)
        assert changed(back, name) == changed(planted, name)
        assert all(
            (own["change"], own["low"], own["high"])
            == pytest.approx((-again[key]["change"], -again[key]["high"], -again[key]["low"]))
            for key, own in there.items()
        )


def test_the_same_code_in_another_checkout_with_shifted_lines_has_not_changed(shifted):
    own = functions(shifted, "cpu/cpu")
    assert {
        (operation, name) for operation in ("read", "write") for name in ("parse", "render", "spin")
    } <= set(own)
    # Both sides have every function: no key holds a line or a folder.
    assert all(
        own[key]["before"] and own[key]["after"] for key in own if key[1] in {"parse", "render", "spin"}
    )
    assert len(changed(shifted, "cpu/cpu")) <= 1


def test_a_profile_against_itself_is_the_same_everywhere(planted, folder):
    base = planted["runs"][0]["dir"]
    copy = folder / "copy"
    shutil.copytree(folder / base, copy)
    same = report(base, copy, cwd=folder)
    assert {own["finding"] for own in functions(same, "cpu/cpu").values()} <= {"cannot tell", "same"}
    assert all(own["change"] == 0 for own in functions(same, "cpu/cpu").values())
    assert {own["finding"] for own in functions(same, "memory/memory").values()} == {"same"}


def test_ten_times_the_samples_over_twice_the_time_are_the_same_time_per_request(folder):
    target = ("--target", "planted.py:create", "--kinds", "cpu")
    slow = profile(*target, "--hz", 100, "--duration", "1s", cwd=folder)
    fast = profile(*target, "--hz", 1000, "--duration", "2s", cwd=folder)
    dirs = [run["dir"] for run in (*slow["runs"], *fast["runs"])]
    both = report(*dirs, cwd=folder)
    assert both["interleaved"] is False
    assert changed(both, "cpu/cpu") == set()
    own = functions(both, "cpu/cpu")
    before, after = (sum(one[side] for one in own.values()) for side in ("before", "after"))
    # Twenty times as many samples; the machine may have been another one meanwhile, but not by much.
    assert 1 / 3 < after / before < 3


def test_the_rounds_of_each_side_are_folded_for_other_tools(planted, folder):
    directory = folder / planted["runs"][1]["dir"]
    assert "operation:write;" in (directory / "memory" / "leaks.folded").read_text()
    document = json.loads((directory / "run.json").read_text())
    assert len(document["rounds"]) == 5
    assert {turn for one in document["rounds"] for turn in one["turn"].values()} == {0, 1}
