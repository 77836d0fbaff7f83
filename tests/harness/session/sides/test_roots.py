"""Which packages are measured and what they are called, and whether they are compiled on both sides."""

import os
import sysconfig

import pytest

from harness.errors import UsageError
from harness.session.receipt import MeasuredRoot, Side
from harness.session.sides.measured import (
    built_elsewhere,
    measured_roots,
    refuse_uneven_builds,
    refuse_unused,
)
from harness.session.sides.roots import Built, leaves, missing, source_roots, write_built
from tests.support.session import write

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")


@pytest.mark.parametrize(
    ("named", "imports", "found"),
    [
        (("src",), "import pkg", {"pkg": "src/pkg", "mod": "src/mod.py", "ns.inner": "src/ns/inner"}),
        (("src/pkg",), "import pkg", {"pkg": "src/pkg"}),
        (("src/pkg/sub",), "import pkg.sub", {"pkg": "src/pkg"}),
        (("src/ns/inner",), "from ns import inner", {"ns.inner": "src/ns/inner"}),
        (("src/ns",), "from ns.inner import work", {"ns.inner": "src/ns/inner"}),
        (("lib/deep/pkg",), "import pkg", {"pkg": "lib/deep/pkg"}),
        (("lib/deep/pkg",), "import deep.pkg", {"deep.pkg": "lib/deep/pkg"}),
        ((".",), "import top", {"pkg": "src/pkg", "mod": "src/mod.py", "ns.inner": "src/ns/inner"}),
        (("top", "src/mod.py"), "", {"top": "top", "mod": "src/mod.py"}),
        (("nowhere",), "", {}),
    ],
)
def test_a_root_is_named_as_it_is_imported(tmp_path, named, imports, found):
    files = ("src/pkg/__init__.py", "src/pkg/sub/__init__.py", "src/mod.py", "src/ns/inner/__init__.py")
    others = (
        "lib/deep/pkg/__init__.py",
        "top/__init__.py",
        "src/pkg.egg-info/PKG-INFO",
        "src/ns/data/x.json",
    )
    write(tmp_path, dict.fromkeys((*files, *others), "") | {"bench/test_x.py": imports})
    assert source_roots(tmp_path, named, ["bench"]) == found


@pytest.mark.parametrize(
    "target", ["ns.inner.bench:create?a=1", "asgi:ns.inner.bench:app", "lambda:ns.inner.bench.handler"]
)
def test_a_target_says_too_what_a_root_is_called(tmp_path, target):
    write(tmp_path, {"lib/ns/inner/__init__.py": ""})
    assert source_roots(tmp_path, ("lib/ns",), (), target) == {"ns.inner": "lib/ns/inner"}


def test_a_root_that_no_side_has_is_told():
    assert missing(["src", "lib/pkg/sub", "gone"], ["src/pkg", "lib/pkg"]) == ["gone"]


def test_of_a_module_and_its_compiled_twin_the_one_that_python_imports_is_the_root(tmp_path):
    write(tmp_path, {f"src/fast{SUFFIX}": "", "src/fast.py": "", "src/pkg/__init__.py": ""})
    assert source_roots(tmp_path, ()) == {"fast": f"src/fast{SUFFIX}", "pkg": "src/pkg"}
    assert leaves(tmp_path / "src")["fast"].name == f"fast{SUFFIX}"


@pytest.fixture
def trees(tmp_path):
    write(tmp_path, {f"{side}/pkg/__init__.py": "" for side in Side})
    return {side: tmp_path / side for side in Side}


def measured(trees):
    return measured_roots({"pkg": "pkg"}, trees)


def test_what_is_compiled_is_listed_by_side_as_it_is_imported(trees):
    write(
        trees[Side.CANDIDATE],
        {f"pkg/_native{SUFFIX}": "", "pkg/sub/b.abi3.so": "", "pkg/old.cpython-27-x.so": ""},
    )
    (one,) = measured(trees)
    assert one.base_compiled == []
    assert one.candidate_compiled == ["pkg._native", "pkg.sub.b", "pkg/old.cpython-27-x.so"]


def test_one_side_built_and_the_other_not_is_refused_by_name(trees):
    write(trees[Side.CANDIDATE], {f"pkg/_native{SUFFIX}": ""})
    with pytest.raises(UsageError, match=r"the base lacks pkg\._native, which the candidate has"):
        refuse_uneven_builds(measured(trees), trees)


def test_a_module_that_is_new_to_a_built_side_is_no_reason_to_refuse(trees):
    for tree in trees.values():
        write(tree, {f"pkg/_native{SUFFIX}": ""})
    write(trees[Side.CANDIDATE], {f"pkg/_other{SUFFIX}": ""})
    refuse_uneven_builds(measured(trees), trees)
    # Its source is there, so it was not built.
    write(trees[Side.BASE], {"c/_other.pyx": ""})
    with pytest.raises(UsageError, match=r"the base lacks pkg\._other"):
        refuse_uneven_builds(measured(trees), trees)


def test_a_module_compiled_before_its_source_was_edited_is_refused(trees):
    """Without that both sides may be measured with one code, whatever the source says."""
    for tree in trees.values():
        write(tree, {f"pkg/_native{SUFFIX}": "", "pkg/_native.c": "", "pkg/other.c": ""})
    edited = trees[Side.CANDIDATE] / "pkg"
    os.utime(edited / "other.c", (4e9, 4e9))
    refuse_uneven_builds(measured(trees), trees)
    os.utime(edited / "_native.c", (4e9, 4e9))
    with pytest.raises(
        UsageError, match=rf"The candidate's pkg/_native{SUFFIX} is older than its source _native.c"
    ):
        refuse_uneven_builds(measured(trees), trees)
    write_built(trees[Side.CANDIDATE], Built({"pkg": "pkg"}, []))
    refuse_uneven_builds(measured(trees), trees)


def test_a_package_that_one_side_lacks_altogether_is_no_uneven_build(trees):
    write(trees[Side.CANDIDATE], {f"fresh/_native{SUFFIX}": "", "fresh/__init__.py": ""})
    refuse_uneven_builds(measured_roots({"fresh": "fresh"}, trees), trees)


def test_every_root_that_is_named_must_be_imported_and_one_of_those_found():
    roots = [MeasuredRoot(name=name, candidate=f"src/{name}") for name in ("a", "b")]
    refuse_unused(roots, ["src"], {"a"}, "tree")
    refuse_unused(roots, [], {"a"}, "tree")
    refuse_unused([], [], set(), "tree")
    with pytest.raises(UsageError, match="No benchmark imports 'src/b'"):
        refuse_unused(roots, ["src/a", "src/b"], {"a"}, "tree")
    with pytest.raises(UsageError, match="No benchmark imports any of a, b"):
        refuse_unused(roots, [], set(), "tree")


def test_what_is_compiled_only_where_the_package_is_installed_is_said(trees, tmp_path):
    roots = {"pkg": "pkg", "ns.inner": "src/ns/inner"}
    write(tmp_path, {f"user/pkg/_native{SUFFIX}": "", f"site/ns/inner/deep/_b{SUFFIX}": ""})
    copies = [str(tmp_path / "site" / "ns" / "inner" / "deep" / f"_b{SUFFIX}")]
    with pytest.raises(UsageError, match=r"Both sides lack the compiled ns\.inner\.deep\._b, pkg\._native"):
        built_elsewhere(roots, measured(trees), [tmp_path / "user"], copies)
    write_built(tmp_path / "user", Built(roots, []))
    (note,) = built_elsewhere(roots, measured(trees), [tmp_path / "user"], copies)
    assert "Both builds lack the compiled ns.inner.deep._b, pkg._native" in note
    for tree in trees.values():
        write(tree, {f"pkg/_native{SUFFIX}": ""})
    assert built_elsewhere(roots, measured(trees), [tmp_path / "user"], []) == ()


def test_sources_of_modules_that_nobody_compiled_are_named(tmp_path):
    write(tmp_path, {"pkg/__init__.py": "", "pkg/_fast.pyx": "", "csrc/x.c": ""})
    (note,) = built_elsewhere({"pkg": "pkg"}, [], [tmp_path], [])
    assert "Nothing is compiled, though the project has pkg/_fast.pyx" in note
    assert 'build = "pip"' in note
