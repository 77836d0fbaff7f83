"""What a measured process imports, without the process: the finder, and the watch over what is loaded."""

import sys
import types

import pytest

from harness.processes.side_imports import OwnFinder, Watch, _guarded, places_of, read_side
from harness.session.sides.overlay import Surroundings, build_overlay
from tests.support.session import write


def side_of(tmp_path, roots, **around):
    build_overlay(tmp_path / "tree", roots, tmp_path / "overlay", Surroundings(**around))
    return read_side(str(tmp_path / "overlay"))


@pytest.fixture
def side(tmp_path):
    write(
        tmp_path,
        {
            "tree/mine/__init__.py": "",
            "tree/mine/part.py": "",
            "tree/src/ns/inner/__init__.py": "",
            "user/mine/__init__.py": "",
            "user/mine/part.py": "",
            "user/other.py": "",
            "user/.venv/lib/site-packages/third.py": "",
            "user/benchmarks/helper.py": "",
            "site/mine_copy.py": "",
        },
    )
    return side_of(
        tmp_path,
        {"mine": "mine", "ns.inner": "src/ns/inner", "gone": "gone"},
        elsewhere=(str(tmp_path / "user"),),
        beside=(str(tmp_path / "user" / "benchmarks"),),
        copies=(str(tmp_path / "site" / "mine_copy.py"),),
    )


def test_what_the_side_owns_is_found_in_its_overlay_alone(side, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path / "user")
    finder = OwnFinder(side)
    overlay = tmp_path / "overlay"
    assert finder.find_spec("mine").origin == str(overlay / "mine" / "__init__.py")
    assert finder.find_spec("mine.part", [str(overlay / "mine")]).origin == str(overlay / "mine" / "part.py")
    # Through a path that leads elsewhere too, as pkgutil.extend_path makes it.
    extended = [str(tmp_path / "user" / "mine"), str(overlay / "mine")]
    assert finder.find_spec("mine.part", extended).origin == str(overlay / "mine" / "part.py")
    assert finder.find_spec("ns.inner", ["anywhere"]).origin == str(overlay / "ns" / "inner" / "__init__.py")
    assert finder.find_spec("json") is None
    assert finder.find_spec("ns") is None, "a namespace may be shared with other distributions"


def test_what_the_side_lacks_is_missing_even_if_another_place_has_it(side, tmp_path):
    finder = OwnFinder(side)
    with pytest.raises(ModuleNotFoundError, match="'gone' on this side"):
        finder.find_spec("gone")
    with pytest.raises(ModuleNotFoundError, match=r"'mine\.fast' on this side"):
        finder.find_spec("mine.fast", [str(tmp_path / "user" / "mine")])
    # Code that asks whether there is such a module gets an answer, not an error.
    assert finder.find_spec("mine.fast", [str(tmp_path / "overlay" / "mine")]) is None


class Editable:
    """A finder as editable installs bring it."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return f"spec of {name}"


def test_a_finder_from_before_is_never_asked_for_what_the_side_owns(side):
    guarded = _guarded(Editable, side)
    assert guarded.find_spec("mine.fast", []) is None
    assert guarded.find_spec("json") == "spec of json"
    assert guarded == Editable
    python = [finder for finder in sys.meta_path if getattr(finder, "__name__", "") == "PathFinder"]
    assert [_guarded(finder, side) for finder in python] == python


def strays(side, **files):
    """Return the strays among modules that were loaded from these files."""
    watch = Watch(side)
    watch.strays()
    names = {name.replace("__", "."): file for name, file in files.items()}
    try:
        for name, file in names.items():
            sys.modules[name] = module = types.ModuleType(name)
            module.__file__ = str(file)
        return [name for name, _ in watch.strays()]
    finally:
        for name in names:
            del sys.modules[name]


def test_what_comes_from_the_tree_or_has_nothing_to_do_with_the_project_is_no_stray(side, tmp_path):
    user = tmp_path / "user"
    assert (
        strays(
            side,
            mine=tmp_path / "overlay" / "mine" / "__init__.py",
            mine__part=tmp_path / "tree" / "mine" / "part.py",
            third=user / ".venv" / "lib" / "site-packages" / "third.py",
            helper=user / "benchmarks" / "helper.py",
            elsewhere=tmp_path / "elsewhere.py",
            built=None,
        )
        == []
    )


def test_everything_else_of_the_project_is_a_stray(side, tmp_path):
    user = tmp_path / "user"
    files = {
        "mine": user / "mine" / "__init__.py",
        "mine__part": tmp_path / "nowhere" / "part.py",
        "ns__inner": tmp_path / "nowhere" / "inner.py",
        "other": user / "other.py",
        "copied": tmp_path / "site" / "mine_copy.py",
    }
    assert strays(side, **files) == ["mine", "mine.part", "ns.inner", "other", "copied"]


def test_a_link_in_the_tree_that_leads_into_the_checkout_is_a_stray(side, tmp_path):
    (tmp_path / "overlay" / "mine" / "linked.py").symlink_to(tmp_path / "user" / "other.py")
    assert strays(side, mine__linked=tmp_path / "overlay" / "mine" / "linked.py") == ["mine.linked"]


def test_each_module_is_looked_at_once(side, tmp_path):
    watch = Watch(side)
    sys.modules["other"] = module = types.ModuleType("other")
    module.__file__ = str(tmp_path / "user" / "other.py")
    try:
        assert [name for name, _ in watch.strays()] == ["other"]
        assert watch.strays() == []
    finally:
        del sys.modules["other"]


def test_a_lazy_module_is_not_loaded_by_the_look():
    class Lazy(types.ModuleType):
        def __getattribute__(self, name):
            raise AssertionError(f"{name} was asked for")

    assert places_of(Lazy("lazy")) == []
    assert places_of(None) == []
