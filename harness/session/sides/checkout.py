"""Check out a revision's files in a separate repository that borrows the project's objects and never writes to it.

`git worktree` would record each side in the user's repository, and forget other worktrees there. `git archive` omits
and changes files by `export-ignore` and `export-subst`. A clone that shares objects does neither, but a shallow
repository cannot be cloned so. Hence: an empty repository in the session's folder with the project's object folders as
alternates, its tags for tools that read versions from them, and its settings for filters and line ends. Objects that a
partial clone lacks are fetched into the separate repository, and deleted with it.
"""

import shlex
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.askgit import git_environment
from harness.errors import HarnessError, UsageError
from harness.session.sides import git

_COPIED = (
    "filter.", "lfs.", "core.autocrlf", "core.eol", "core.symlinks", "core.attributesfile", "core.sparsecheckout",
    "core.sshcommand", "remote.", "http.", "credential.", "url.", "extensions.partialclone",
)  # fmt: skip
"""Settings of a repository that determine the content of its files, or the source of missing ones."""
_DISK = ("No space left", "Disk quota")


def check_out(project: Path, commit: str, folder: Path) -> Path:
    """Write the files of a commit into `folder`, and return the project's folder in it.

    Raises HarnessError with git's own words if it cannot.
    """
    _begin(project, commit, folder)
    checkout = ("checkout", "--quiet", "--detach", "--force", "--no-recurse-submodules", commit)
    _require(git.run(folder, *checkout, environment=_settings(project)), commit, folder)
    return folder / git.prefix(project)


def check_out_nothing(project: Path, commit: str, folder: Path) -> Path:
    """Make `folder` a checkout of a commit that lacks all files, for those of a working tree; otherwise like `check_out`."""
    _begin(project, commit, folder)
    _require(git.run(folder, "update-ref", "--no-deref", "HEAD", commit), commit, folder)
    _require(git.run(folder, "read-tree", "HEAD", environment=_settings(project)), commit, folder)
    return folder / git.prefix(project)


def fill_submodules(project: Path, tree: Path, wanted: Iterable[str]) -> None:
    """Check out the submodules of `tree` at, below or above the `wanted` paths, from those of the project.

    A submodule that the project has not initialised stays empty: `require_complete` names it.
    """
    wanted = list(wanted)
    for place, commit in _submodules(tree):
        own = project / place
        if any(_meet(place, path) for path in wanted) and (own / ".git").exists():
            check_out(own, commit, tree / place)


def require_complete(tree: Path, paths: Iterable[str]) -> None:
    """Raise UsageError if files at these paths are missing from the checkout `tree`: sparse, or in an empty submodule."""
    paths = list(paths)
    for place, _ in _submodules(tree):
        folder = tree / place
        if any(_meet(place, path) for path in paths) and not (folder.is_dir() and any(folder.iterdir())):
            raise UsageError(
                f"The submodule '{place}' is empty and holds measured files",
                where=str(tree),
                remedy=f"Fill it in the checkout: git submodule update --init -- {shlex.quote(place)}",
            )
    for tag, _, _, place in _index(tree):
        if tag == "S" and any(_is_below(place, path) for path in paths) and not (tree / place).exists():
            raise UsageError(
                f"The checkout is sparse and omits the measured file '{place}'",
                where=str(tree),
                remedy=f"Add its folder: git sparse-checkout add {shlex.quote(str(Path(place).parent))}, "
                "or all: git sparse-checkout disable",
            )


def _begin(project: Path, commit: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _require(git.run(folder, "init", "--quiet", "--template=", *_object_format(project)), commit, folder)
    _borrow(project, folder / ".git")


def _object_format(project: Path) -> list[str]:
    told = git.run(project, "rev-parse", "--show-object-format")
    return [f"--object-format={told.stdout.strip()}"] if told.returncode == 0 else []


def _borrow(project: Path, repository: Path) -> None:
    """Let our repository use the project's objects, tags and attributes, wherever they are stored."""
    counted = git.run(project, "count-objects", "-v").stdout.splitlines()
    # git follows a chain of alternates only to a limited depth, so all of them are listed. Quoted ones it finds by the chain.
    chain = [line.removeprefix("alternate: ") for line in counted if line.startswith("alternate: /")]
    _write(repository / "objects/info/alternates", [str(git.path_in(project, "objects")), *chain])
    refs = git.run(
        project, "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags", "refs/replace"
    ).stdout
    _write(repository / "packed-refs", refs.splitlines())
    for name in ("shallow", "info/attributes", "info/sparse-checkout"):
        place = git.path_in(project, name)
        if place.is_file():
            (repository / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(place, repository / name)


def _write(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8", "surrogateescape")


def _settings(project: Path) -> dict[str, str]:
    """Return the project's settings as environment variables for git, so that logins among them are stored nowhere."""
    listed = git.run(project, "config", "--list", "--null", "--show-scope").stdout.split("\0")
    scopes, settings = listed[::2], listed[1::2]
    own = [
        setting.partition("\n")
        for scope, setting in zip(scopes, settings, strict=False)
        if scope in {"local", "worktree"} and setting.startswith(_COPIED)
    ]
    first = int(git_environment().get("GIT_CONFIG_COUNT") or 0)
    found = {"GIT_CONFIG_COUNT": str(first + len(own))}
    for number, (key, _, value) in enumerate(own, first):
        found[f"GIT_CONFIG_KEY_{number}"] = key
        found[f"GIT_CONFIG_VALUE_{number}"] = _absolute(project, value) if key.endswith(".url") else value
    return found


def _absolute(project: Path, url: str) -> str:
    """Return the absolute URL of a remote that is given relative to the project."""
    place = project / url
    return str(place.resolve()) if "://" not in url and place.exists() else url


def _require(done: git.Done, commit: str, folder: Path) -> None:
    if done.returncode == 0:
        return
    is_full = any(words in done.stderr for words in _DISK)
    raise HarnessError(
        f"git could not check out {commit[:12]}: {git.sentences(done.stderr)}",
        where=str(folder),
        remedy="Free some disk, or name another place in TMPDIR"
        if is_full
        else f"Make this work in a fresh clone of the project: git checkout {commit[:12]}",
    )


def _submodules(tree: Path) -> list[tuple[str, str]]:
    """Return (place, commit) of each submodule below the folder."""
    return [(place, commit) for _, mode, commit, place in _index(tree) if mode == "160000"]


def _index(tree: Path) -> Iterator[tuple[str, str, str, str]]:
    """Yield (tag, mode, object, place in the folder) of each file in the checkout's index; nothing outside git."""
    for line in git.run(tree, "ls-files", "--stage", "-t", "-z").stdout.split("\0"):
        facts, tab, place = line.partition("\t")
        if tab:
            tag, mode, name, _ = facts.split(" ")
            yield tag, mode, name, place


def _meet(one: str, other: str) -> bool:
    """Return True if one path is the other, or lies below it; the empty one is the whole tree."""
    return _is_below(one, other) or _is_below(other, one)


def _is_below(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(Path(folder))
