"""A side's tree in front of the import path, and what came from elsewhere all the same."""

import sys
import types
from pathlib import Path

import pytest

from harness.errors import TargetError, UsageError
from harness.processes import tree
from harness.processes.job import Job
from harness.processes.measure import MeasuredProcess
from harness.supervise import Supervisor

TARGET = """
class Target:
    operations = {{"{name}": 1.0}}

    def call(self, event):
        pass


def create():
    return Target()
"""


def package(folder, name, operation):
    made = folder / name
    made.mkdir(parents=True)
    (made / "__init__.py").write_text("")
    (made / "inner.py").write_text(TARGET.format(name=operation))
    return made


def overlay_of(folder, *roots):
    folder.mkdir()
    for root in roots:
        (folder / root.name).symlink_to(root)
    return folder


def module(name, file):
    made = types.ModuleType(name)
    made.__file__ = file and str(file)
    return made


def test_a_module_of_a_source_root_from_another_tree_is_a_stray(tmp_path):
    mine, other = (package(tmp_path / side, "core", side) for side in ("mine", "other"))
    overlay = overlay_of(tmp_path / "overlay", mine)
    modules = {
        "core": module("core", overlay / "core" / "__init__.py"),
        "core.inner": module("core.inner", other / "inner.py"),
        "json": module("json", tmp_path / "json.py"),
        "built": module("built", None),
    }
    assert list(tree.strays(overlay, modules)) == [("core.inner", str(other / "inner.py"))]
    with pytest.raises(TargetError, match=r"core\.inner.*another tree"):
        tree.check(overlay, modules)


def test_a_neighbour_whose_name_begins_like_the_root_is_no_part_of_it(tmp_path):
    overlay = overlay_of(tmp_path / "overlay", package(tmp_path / "mine", "core", "mine"))
    neighbour = package(tmp_path / "mine", "core_other", "mine")
    assert list(tree.strays(overlay, {"core": module("core", neighbour / "__init__.py")}))


def test_a_target_that_has_nothing_of_the_tree_is_refused_since_both_sides_would_be_the_same(tmp_path):
    overlay = overlay_of(tmp_path / "overlay", package(tmp_path / "mine", "core", "mine"))
    with pytest.raises(TargetError, match=r"imports nothing of the tree.*core"):
        tree.check(overlay, {"json": module("json", None)})
    tree.check(overlay, {"core": module("core", overlay / "core" / "__init__.py")})


def ready_of(tmp_path, factory, **job):
    told = Job(kind="load", folder=str(tmp_path), factory=factory, parameters={}, seed=1, split=False, **job)
    with (
        Supervisor() as supervisor,
        MeasuredProcess(supervisor, told, tmp_path / "worker.log") as process,
    ):
        return process.wait_ready()


def test_a_measured_process_takes_the_overlay_s_package_and_says_which_file_it_was(tmp_path, monkeypatch):
    installed, mine = (package(tmp_path / side, "core", side) for side in ("installed", "mine"))
    monkeypatch.setenv("PYTHONPATH", str(installed.parent))
    overlay = overlay_of(tmp_path / "overlay", mine)
    ready = ready_of(tmp_path, "core.inner:create", overlay=str(overlay))
    assert ready.operations == {"mine": 1.0}
    assert Path(ready.file) == (mine / "inner.py").resolve()
    assert ready.opening_ns > 0


def test_a_measured_process_refuses_a_package_that_something_else_imported_before(tmp_path, monkeypatch):
    installed, mine = (package(tmp_path / side, "core", side) for side in ("installed", "mine"))
    # As an editable install does it: a finder in front of all paths.
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys; sys.path.insert(0, {str(installed.parent)!r}); import core.inner; sys.path.pop(0)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(UsageError, match="another tree"):
        ready_of(tmp_path, "core.inner:create", overlay=str(overlay_of(tmp_path / "overlay", mine)))
    assert "core" not in sys.modules
