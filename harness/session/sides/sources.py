"""Copy the files of a side, so that a build of them leaves the user's checkout as it is.

A copy of a working tree has the files that git would commit, tracked or not: results of an earlier build, which git
ignores, are left out. It is a checkout of its own, for builds that ask git for their version.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from harness.errors import UsageError
from harness.session.sides import git
from harness.session.sides.checkout import check_out, check_out_nothing, fill_submodules
from harness.session.sides.roots import NEVER_LINKED
from harness.session.sides.subjects import TreeSide

_GIT = ".git"
_OF_BUILDS = ("build", "dist")


def copy_sources(side: TreeSide, folder: Path) -> Path:
    """Write the files of a side, and of its whole repository, into a new folder; return the project's folder in it.

    Raises `UsageError` for a revision that does not exist, or lacks the project.
    """
    if side.revision is not None:
        project = check_out(side.project, git.resolve(side.project, side.revision), folder)
        if not project.is_dir():
            raise UsageError(
                f"Revision '{side.revision}' has no folder '{git.prefix(side.project)}'",
                where=str(side.project),
                remedy="Name a revision that has this project",
            )
        fill_submodules(side.project, project, [""])
        return project
    head = git.run(side.project, "rev-parse", "--verify", "--quiet", "HEAD")
    if head.returncode != 0:
        return _copy_folder(side.project, folder)
    project = check_out_nothing(side.project, head.stdout.strip(), folder)
    top = Path(git.run(side.project, "rev-parse", "--show-toplevel").stdout.removesuffix("\n"))
    for name in _of_working_tree(top):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(top / name, folder / name, follow_symlinks=False)
    # A folder that an outer repository ignores belongs to none.
    return project if project.is_dir() else _copy_folder(side.project, project)


def digest(folder: Path) -> str:
    """Return the SHA-256 of all files in a copy, by name, content and whether they can be executed."""
    whole = hashlib.sha256()
    for place, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if name != _GIT)
        links = [name for name in names if Path(place, name).is_symlink()]
        for path in (Path(place, name) for name in sorted((*files, *links))):
            if path.is_symlink():
                content, mode = f"-> {path.readlink()}".encode("utf-8", "surrogateescape"), 0
            else:
                content, mode = path.read_bytes(), path.stat().st_mode & 0o111
            name = str(path.relative_to(folder)).encode("utf-8", "surrogateescape")
            whole.update(b"%b\0%o\0%b\0" % (name, mode, hashlib.sha256(content).digest()))
    return whole.hexdigest()


def _of_working_tree(top: Path) -> Iterator[str]:
    """Yield the path of each file of a checkout that git does not ignore, those in its submodules too."""
    for name in _listed(top, "--cached"):
        if (top / name).is_dir() and not (top / name).is_symlink():
            if (top / name / _GIT).exists():
                yield from (f"{name}/{inner}" for inner in _of_working_tree(top / name))
        elif os.path.lexists(top / name):
            yield name
    environments = tuple(f"{place.parent.relative_to(top)}/" for place in top.glob("*/pyvenv.cfg"))
    for name in _listed(top, "--others", "--exclude-standard"):
        is_left_out = name.endswith("/") or not NEVER_LINKED.isdisjoint(Path(name).parts)
        if not is_left_out and not name.startswith(environments):
            yield name


def _listed(top: Path, *words: str) -> list[str]:
    return [name for name in git.run(top, "ls-files", "-z", *words).stdout.split("\0") if name]


def _copy_folder(project: Path, folder: Path) -> Path:
    """Copy a project that is under no version control, without what earlier builds left at its top."""

    def left_out(place: str, names: list[str]) -> set[str]:
        environments = {name for name in names if Path(place, name, "pyvenv.cfg").exists()}
        of_builds = {name for name in names if name in _OF_BUILDS or name.endswith(".egg-info")}
        return (
            environments | NEVER_LINKED.intersection(names) | (of_builds if Path(place) == project else set())
        )

    shutil.copytree(project, folder, symlinks=True, ignore=left_out, dirs_exist_ok=True)
    return folder
