import shutil

import pytest

from harness.errors import UsageError
from harness.session.sides import sources
from harness.session.sides.subjects import TreeSide, working_tree
from tests.support.git import git
from tests.support.session import commit, project, write


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def test_a_working_tree_is_copied_as_git_would_commit_it(tmp_path):
    folder = project(tmp_path / "project", {".gitignore": "*.so\n", "gone.py": "", "run.sh": ""})
    write(folder, {"pkg/__init__.py": "changed = 1\n", "pkg/new name.py": "", "pkg/_native.so": "stale"})
    write(folder, {"env/pyvenv.cfg": "", "env/lib/x.py": "", "node_modules/y.py": ""})
    (folder / "gone.py").unlink()
    (folder / "run.sh").chmod(0o755)
    before = git(folder, "status", "--porcelain")
    copy = sources.copy_sources(working_tree(folder), tmp_path / "copy")
    found = files(copy)
    assert set(found) == {
        ".gitignore",
        "benchmarks/test_bench.py",
        "pkg/__init__.py",
        "pkg/new name.py",
        "run.sh",
    }
    assert found["pkg/__init__.py"] == "changed = 1\n"
    assert (copy / "run.sh").stat().st_mode & 0o111
    assert git(folder, "status", "--porcelain") == before


def test_a_build_in_a_copy_reads_its_version_from_git(tmp_path):
    folder = project(tmp_path / "project")
    git(folder, "tag", "-a", "v1.2", "-m", "")
    commit(folder, {"more.py": ""})
    of_tree = sources.copy_sources(working_tree(folder), tmp_path / "tree")
    of_revision = sources.copy_sources(TreeSide("git:v1.2", folder, "v1.2"), tmp_path / "revision")
    described = git(folder, "describe", "--long")
    assert described.startswith("v1.2-1-")
    assert git(of_tree, "describe", "--long", "--dirty") == described
    assert git(of_revision, "describe", "--dirty") == "v1.2"


def test_the_project_of_a_subfolder_comes_with_its_repository(tmp_path):
    top = project(tmp_path / "project", {"app/pkg/x.py": "", "shared/y.py": ""})
    copy = sources.copy_sources(working_tree(top / "app"), tmp_path / "copy")
    assert copy == tmp_path / "copy" / "app"
    assert (tmp_path / "copy" / "shared" / "y.py").exists()


def test_submodules_are_copied_with_their_changes(tmp_path):
    inner = project(tmp_path / "inner", {"c.c": "1"})
    outer = project(tmp_path / "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "vendor")
    commit(outer, {})
    write(outer, {"vendor/c.c": "2", "vendor/d.c": ""})
    found = files(sources.copy_sources(working_tree(outer), tmp_path / "copy"))
    assert (found["vendor/c.c"], found["vendor/d.c"]) == ("2", "")
    of_revision = files(sources.copy_sources(TreeSide("git:main", outer, "main"), tmp_path / "revision"))
    assert (of_revision["vendor/c.c"], "vendor/d.c" in of_revision) == ("1", False)


def test_a_folder_outside_of_git_is_copied_without_what_builds_left(tmp_path):
    folder = project(
        tmp_path / "project", {"pkg/build/x.py": "", "build/old.py": "", "p.egg-info/PKG-INFO": ""}
    )
    shutil.rmtree(folder / ".git")
    found = files(sources.copy_sources(working_tree(folder), tmp_path / "copy"))
    assert set(found) == {"benchmarks/test_bench.py", "pkg/__init__.py", "pkg/build/x.py"}


def test_a_folder_that_an_outer_repository_ignores_is_copied_as_one_outside(tmp_path):
    top = project(tmp_path / "project", {".gitignore": "inner/\n"})
    write(top, {"inner/pkg/__init__.py": ""})
    copy = sources.copy_sources(working_tree(top / "inner"), tmp_path / "copy")
    assert set(files(copy)) == {"pkg/__init__.py"}


def test_the_digest_tells_content_names_links_and_modes_apart_and_nothing_else(tmp_path):
    def digest_of(name, **given):
        write(tmp_path / name, {"a.py": "1", "b.py": "", **given})
        return sources.digest(tmp_path / name)

    first = digest_of("first")
    assert digest_of("same") == first
    write(tmp_path / "same", {".git/index": "x"})
    assert sources.digest(tmp_path / "same") == first
    (tmp_path / "same" / "a.py").chmod(0o755)
    linked = write(tmp_path / "linked", {"a.py": "1"}) or tmp_path / "linked"
    (linked / "b.py").symlink_to("a.py")
    different = {sources.digest(tmp_path / "same"), sources.digest(linked), digest_of("c", **{"a.py": "2"})}
    assert len(different | {first, digest_of("d", c="")}) == 5


def test_a_revision_without_the_project_is_refused(tmp_path):
    top = project(tmp_path / "project")
    write(top, {"app/x.py": ""})
    with pytest.raises(UsageError, match="Revision 'main' has no folder 'app/'"):
        sources.copy_sources(TreeSide("git:main", top / "app", "main"), tmp_path / "copy")
