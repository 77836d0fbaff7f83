"""A side's tree in front of the import path, and what came from elsewhere all the same."""

import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.processes.job import Job
from harness.processes.measure import MeasuredProcess
from harness.session.sides.overlay import Surroundings, build_overlay
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


def overlay_of(tmp_path, **roots):
    """Build the overlay of what `mine` has; what lies in `installed` is elsewhere."""
    around = Surroundings(elsewhere=(str(tmp_path / "installed"),))
    build_overlay(tmp_path / "mine", roots or {"core": "core"}, tmp_path / "overlay", around)
    return str(tmp_path / "overlay")


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
    ready = ready_of(tmp_path, "core.inner:create", overlay=overlay_of(tmp_path))
    assert ready.operations == {"mine": 1.0}
    assert Path(ready.file) == (mine / "inner.py").resolve()
    assert ready.opening_ns > 0


@pytest.mark.parametrize(
    ("root", "path"), [("core", "core"), ("inner", "core/inner.py")], ids=["package", "module"]
)
def test_a_file_in_the_source_roots_is_that_of_the_side(tmp_path, monkeypatch, root, path):
    package(tmp_path / "running", "core", "running")
    mine = package(tmp_path / "mine", "core", "mine")
    monkeypatch.chdir(tmp_path / "running")
    ready = ready_of(tmp_path, "core/inner.py:create", overlay=overlay_of(tmp_path, **{root: path}))
    assert ready.operations == {"mine": 1.0}
    assert Path(ready.file) == (mine / "inner.py").resolve()


@pytest.mark.parametrize("place", ["core/inner.py", "core.inner"])
def test_a_module_in_the_source_roots_that_the_side_lacks_is_missed(tmp_path, monkeypatch, place):
    package(tmp_path / "running", "core", "running")
    (package(tmp_path / "mine", "core", "mine") / "inner.py").unlink()
    monkeypatch.chdir(tmp_path / "running")
    with pytest.raises(UsageError, match=r"No module named 'core\.inner'"):
        ready_of(tmp_path, f"{place}:create", overlay=overlay_of(tmp_path))


def test_a_measured_process_refuses_a_package_that_something_else_imported_before(tmp_path, monkeypatch):
    installed, _ = (package(tmp_path / side, "core", side) for side in ("installed", "mine"))
    # As an editable install does it: a finder in front of all paths.
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys; sys.path.insert(0, {str(installed.parent)!r}); import core.inner; sys.path.pop(0)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(UsageError, match="another tree"):
        ready_of(tmp_path, "core.inner:create", overlay=overlay_of(tmp_path))
    assert "core" not in sys.modules


def test_a_submodule_that_the_side_lacks_is_not_taken_from_another_tree(tmp_path, monkeypatch):
    installed, _ = (package(tmp_path / side, "core", side) for side in ("installed", "mine"))
    (installed / "fast.py").write_text(TARGET.format(name="foreign"))
    # As setuptools does it: a finder that knows where the package is, and so where its submodules are.
    finder = (
        "import sys\nfrom importlib.util import spec_from_file_location as spec\n"
        "class Finder:\n    @classmethod\n    def find_spec(cls, name, path=None, target=None):\n"
        f"        if name.startswith('core.'): return spec(name, {str(installed)!r} + '/' + name[5:] + '.py')\n"
        "sys.meta_path.append(Finder)\n"
    )
    (tmp_path / "sitecustomize.py").write_text(finder)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"No module named 'core\.fast'"):
        ready_of(tmp_path, "core.fast:create", overlay=overlay_of(tmp_path))


def test_other_code_of_the_project_is_refused_with_what_to_add_to_the_roots(tmp_path, monkeypatch):
    package(tmp_path / "mine", "core", "mine")
    other = package(tmp_path / "installed", "other", "mine")
    monkeypatch.setenv("PYTHONPATH", str(other.parent))
    with pytest.raises(UsageError, match=r"'other.*another tree.*add 'other' to source-roots"):
        ready_of(tmp_path, "other.inner:create", overlay=overlay_of(tmp_path))


APPLICATION = """
import core.inner

def application(environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]
"""


@pytest.mark.parametrize("place", ["web:application", "web.py:application"])
def test_an_application_outside_of_the_source_roots_is_refused_since_both_sides_would_measure_it(
    tmp_path, monkeypatch, place
):
    package(tmp_path / "mine", "core", "mine")
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed" / "web.py").write_text(APPLICATION)
    monkeypatch.chdir(tmp_path / "installed")
    with pytest.raises(UsageError, match=r"Both sides would measure it: add 'web.py' to source-roots"):
        ready_of(tmp_path, f"wsgi:{place}", overlay=overlay_of(tmp_path))


def test_a_target_that_has_nothing_of_the_tree_is_refused_since_both_sides_would_be_the_same(tmp_path):
    package(tmp_path / "mine", "core", "mine")
    with pytest.raises(UsageError, match=r"imports nothing of the measured tree.*core"):
        ready_of(tmp_path, "targets.known:noop", overlay=overlay_of(tmp_path))
