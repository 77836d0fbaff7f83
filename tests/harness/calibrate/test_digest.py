"""The digest of the gate's code: what the code does is in it, and how it is written down is not."""

import textwrap
import types
from pathlib import Path

import pytest

import harness
from harness.calibrate.digest import BESIDE, GATE, SINGLE, digest, gate_digest, meaning, modules

SOURCE = '''
"""A module."""
from harness.session.receipt import Side

def limit(values: list[float], *, share: float = 0.5) -> float:
    """Return a limit."""
    return sorted(values)[int(share * len(values))]
'''


@pytest.fixture
def package(tmp_path):
    """Make packages of one folder with the given files, and their digest."""

    def make(name, files):
        folder = tmp_path / name
        for path, source in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(source)
        module = types.ModuleType(name)
        module.__file__ = str(folder / "__init__.py")
        return module

    return make


@pytest.mark.parametrize(
    "same",
    [
        SOURCE.replace("A module.", "Another text, and more of it."),
        SOURCE.replace("Return a limit.", "Give a limit."),
        SOURCE.replace(
            "from harness.session.receipt import Side", "import os\nfrom harness.receipts import Side"
        ),
        SOURCE.replace("    return", "    # a comment\n    return"),
        SOURCE.replace("from harness", "if TYPE_CHECKING:\n    from harness"),
        SOURCE.replace(
            "sorted(values)[int(share * len(values))]",
            "sorted(\n        values\n    )[int(share * len(values))]",
        ),
    ],
)
def test_words_layout_and_imports_are_not_in_the_digest(same):
    assert same != SOURCE
    assert meaning(same) == meaning(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.5", "0.6"),
        ("sorted", "list"),
        ("share * len", "share + len"),
        ("*, share", "share"),
        ("    return sorted", "    values = values[1:]\n    return sorted"),
        ("limit(", "bound("),
    ],
)
def test_what_the_code_does_is_in_the_digest(old, new):
    changed = SOURCE.replace(old, new, 1)
    assert changed != SOURCE
    assert meaning(changed) != meaning(SOURCE)


def test_a_string_that_is_used_is_in_the_digest_and_one_that_stands_alone_is_not():
    code = textwrap.dedent(
        """
        NAME = "{}"
        "{}"
        """
    )
    assert meaning(code.format("a", "x")) == meaning(code.format("a", "y"))
    assert meaning(code.format("a", "x")) != meaning(code.format("b", "x"))


def test_a_move_changes_nothing_and_a_lost_or_added_module_does(package):
    before = package("one", {"a.py": "A = 1", "b.py": "B = 2"})
    moved = package("two", {"rooms/deep/z.py": "A = 1", "b.py": "B = 2"})
    assert digest((before,), frozenset()) == digest((moved,), frozenset())
    lost = package("three", {"b.py": "B = 2"})
    added = package("four", {"a.py": "A = 1", "b.py": "B = 2", "c.py": "C = 3"})
    assert len({digest((one,), frozenset()) for one in (before, lost, added)}) == 3
    assert digest((added,), frozenset({"four.c"})) == digest((before,), frozenset())


def test_what_is_left_out_exists_and_the_rest_judges():
    found = modules(GATE)
    assert sorted(BESIDE - set(found)) == []
    judges = {
        "judge.judge", "judge.paired", "judge.candidates", "judge.process", "judge.looks", "judge.metrics", "judge.gathering",
        "judge.evidence", "judge.controls", "stats.sequential", "stats.sign", "stats.power", "policy.policy", "session.conductor",
        "session.slots.sizing", "session.slots.turns", "session.slots.slot_cpu", "session.slots.slot_benchmark",
    }  # fmt: skip
    assert judges <= set(found) - BESIDE
    assert all((Path(harness.__file__).parent / file).is_file() for file in SINGLE)
    assert len(gate_digest()) == 16
