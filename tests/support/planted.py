"""A target with planted changes, in two checkouts, and what `harness profile` says of the one against the other."""

import pytest

from harness.errors import ExitCode
from tests.support.cli import inside

CODE = """
from itertools import repeat

HELD = []
UNIT = LOOPS


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
        self.sizes = {name: (2 * UNIT, UNIT, 10, 0) for name in self.operations}
        if is_changed:
            self.sizes = {"read": (14 * UNIT, UNIT, 10, 0), "write": (2 * UNIT, 9 * UNIT, 20, 3000)}

    def make_event(self, operation, rng):
        return operation

    def call(self, event):
        render_loops, spin_loops, built, kept = self.sizes[event]
        parse(2 * UNIT)
        render(render_loops)
        spin(spin_loops)
        build(built)
        keep(kept)


def create(variant="VARIANT"):
    return Target(variant == "changed")
"""
PROJECT = '[tool.harness]\nsource-roots = ["shop"]\ntarget = "shop.core:create"\n'
PLANTS = {("read", "render"), ("write", "spin")}


def checkouts(folder, loops):
    """Return a checkout with the changes, and one without in another folder, with every line somewhere else.

    Functions run `loops` at least, which are some 10 ns each.
    """
    here, other = folder / "here", folder / "another" / "checkout"
    code = CODE.replace("LOOPS", str(loops))
    for root, source in (
        (here, code.replace("VARIANT", "changed")),
        (other, "# A comment.\n\n\n" + code.replace("VARIANT", "base")),
    ):
        (root / "shop").mkdir(parents=True)
        (root / "shop" / "__init__.py").write_text("")
        (root / "shop" / "core.py").write_text(source)
        (root / "pyproject.toml").write_text(PROJECT)
    return here, other


def profile(cwd, *words):
    said = inside(cwd, "profile", "closed", "--users", 1, "--warmup", "50ms", "--json", *words)
    assert said.code == ExitCode.OK, said.stderr
    return said.document


def report(cwd, *directories):
    said = inside(cwd, "report", *directories, "-o", "again.html", "--json")
    assert said.code == ExitCode.OK, said.stderr
    return said.document


def functions(document, name):
    (part,) = [part for part in document["differences"] if part["profile"] == name]
    return {(row["operation"], row["function"].partition(" ")[0]): row["own"] for row in part["functions"]}


def changed(document, name):
    return {key for key, own in functions(document, name).items() if own["finding"] == "changed"}


def assert_turned_round(there, back, name):
    """Sides that change places change their signs and nothing else."""
    assert changed(back, name) == changed(there, name)
    again = functions(back, name)
    for key, own in functions(there, name).items():
        turned = (-again[key]["change"], -again[key]["high"], -again[key]["low"])
        assert (own["change"], own["low"], own["high"]) == pytest.approx(turned)
