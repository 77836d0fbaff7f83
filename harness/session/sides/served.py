"""Prepare two sides of code for servers that run from it, and prove from outside that each ran the code of its side.

A server is started in its side's tree. A project without a Python package has no source roots, and its tree is all that
there is to prepare. The source roots of a Python project stand in an overlay besides, which all Python processes of
the server import from, whatever is installed: see `harness.processes.side_imports`.

Each side has a folder for byte code (`PYTHONPYCACHEPREFIX`), where Python writes a file at the path of each module
that it imports. So nothing is written into the user's tree, and the folder tells where the modules came from.
"""

import contextlib
import dataclasses
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.errors import RefusedError
from harness.policy.policy import Policy
from harness.processes.side_imports import children_environment
from harness.serving.server import Place, RunningServer
from harness.session.receipt import Side
from harness.session.sides.checkout import require_complete

# The gate's own preparation: a change of its names would void calibration cards.
from harness.session.sides.prepare import (
    Prepared,
    _disk_trouble_named,
    _environments,
    _facts,
    _named,
    _Pip,
    _side,
    _surroundings,
    _tree,
    prepare,
)
from harness.session.sides.roots import source_roots
from harness.session.sides.subjects import Subject, TreeSide
from harness.session.slots.block import NULL
from harness.session.slots.launch import Bench, Home
from harness.supervise import Supervisor, private_folder

_BYTE_CODE = "PYTHONPYCACHEPREFIX"
_INSTALLED = {"site-packages", "dist-packages"}


@contextlib.contextmanager
def prepare_served(
    base: Subject,
    candidate: Subject,
    policy: Policy,
    supervisor: Supervisor,
    log: Path,
    *,
    with_suite: bool = False,
) -> Iterator[Prepared]:
    """Do as `prepare`, but sides of code without a suite need no source roots."""
    if with_suite or not isinstance(base, TreeSide) or not isinstance(candidate, TreeSide):
        with prepare(base, candidate, policy, supervisor, log, with_suite=with_suite) as prepared:
            yield prepared
        return
    sides = {Side.BASE: base, Side.CANDIDATE: candidate}
    with private_folder() as folder:
        with _disk_trouble_named(folder):
            trees = {
                side: _tree(subject, folder / "trees" / letter, policy)
                for (side, subject), letter in zip(sides.items(), "ab", strict=True)
            }
        for tree in trees.values():
            require_complete(tree, _named(policy))
        pythons, locks = _environments(trees, policy, folder, _Pip(supervisor, log))
        found = {
            place: name
            for side in Side
            for name, place in source_roots(trees[side], policy.source_roots).items()
        }
        roots = {name: place for place, name in found.items()}
        homes = {
            str(name): Home(
                str(name), folder, tuple(roots), trees[_side(name)], pythons.get(_side(name), sys.executable)
            )
            for name in (*Side, NULL)
        }
        yield Prepared(
            folder=folder,
            bench=Bench(folder / "bench", folder / "bench"),
            base_bench=None,
            homes=homes,
            swapped=homes,
            facts={side: _facts(subject, trees[side], locks.get(side)) for side, subject in sides.items()},
            trees=trees,
            roots=roots,
            around={
                side: _surroundings(sides, trees, side, roots, None, folder, homes[str(side)].python)
                for side in Side
            },
        )


@dataclasses.dataclass(frozen=True, slots=True)
class ServedSide:
    """The place of one side's servers, and how to see from outside which code they run.

    `own` are the folders of the side's code, `elsewhere` those of the other side and of the user's checkouts; both are
    empty for servers that share the running tree.
    """

    place: Place
    own: tuple[Path, ...] = ()
    elsewhere: tuple[Path, ...] = ()

    def refuse_other_code(self, server: RunningServer) -> None:
        """Raise `RefusedError` if the server imported code of the other side, or is a Python program that runs none of its own.

        What other programs than Python run cannot be seen, beyond files on their command lines.
        """
        if not self.own:
            return
        byte_code = Path(self.place.environment[_BYTE_CODE])
        for folder in self.elsewhere:
            if stray := next(self._strays(byte_code, folder), None):
                raise RefusedError(
                    f"{server.title} imported code from another tree than the measured one",
                    where=stray,
                    remedy="Remove the cause that puts it on the import path (a .pth file, PYTHONPATH, --chdir)",
                )
        pids = server.child.pids()
        has_own = any(map(any, (_modules(byte_code, folder) for folder in self.own))) or any(
            _runs_a_file_of(pid, self.own) for pid in pids
        )
        if not has_own and any(map(_is_python, pids)):
            raise RefusedError(
                f"{server.title} runs no code of the measured tree: both sides would be the same",
                where=str(self.place.tree),
                remedy="Start it by paths in the tree, with {tree} and {python}, without python -I or -B",
            )

    def _strays(self, byte_code: Path, folder: Path) -> Iterator[str]:
        """Yield the modules that were imported from `folder`, and neither from the side nor from installed packages in it."""
        for source in _modules(byte_code, folder):
            if not any(map(source.is_relative_to, self.own)):
                yield str(source)


def served_sides(
    prepared: Prepared, overlays: Mapping[Side, Path | None], scratch: Path
) -> dict[Side, ServedSide]:
    """Return the place of each side's servers; `scratch` gets their byte code."""
    return {side: _served_side(prepared, side, overlays[side], scratch) for side in Side}


def _served_side(prepared: Prepared, side: Side, overlay: Path | None, scratch: Path) -> ServedSide:
    if not prepared.around:
        return ServedSide(Place(prepared.trees[side]))
    tree = prepared.trees[side]
    environment = {
        _BYTE_CODE: str((scratch / f"bytecode-{side[0]}").resolve()),
        "PYTHONDONTWRITEBYTECODE": "",
        **(children_environment(str(overlay.resolve())) if overlay else {}),
    }
    return ServedSide(
        Place(tree, prepared.homes[str(side)].python, environment),
        own=tuple(folder.resolve() for folder in (tree, overlay) if folder),
        elsewhere=tuple(Path(folder).resolve() for folder in prepared.around[side].elsewhere),
    )


def _modules(byte_code: Path, folder: Path) -> Iterator[Path]:
    """Yield the place of each module below `folder` that Python wrote byte code of, without suffix and installed packages."""
    for path in byte_code.joinpath(*folder.parts[1:]).rglob("*.pyc"):
        source = Path("/", path.relative_to(byte_code)).with_suffix("").with_suffix("")
        if _INSTALLED.isdisjoint(source.parts):
            yield source


def _runs_a_file_of(pid: int, folders: Sequence[Path]) -> bool:
    """Return True if a process is a program in one of the folders, or has a file of them on its command line."""
    process = Path(f"/proc/{pid}")
    with contextlib.suppress(OSError):
        here = (process / "cwd").readlink()
        words = filter(None, (process / "cmdline").read_bytes().split(b"\0"))
        files = [(process / "exe").readlink(), *(here / os.fsdecode(word) for word in words)]
        return any(_is_code_in(file, folders) for file in files)
    return False


def _is_code_in(file: Path, folders: Sequence[Path]) -> bool:
    is_of_environment = (file.parent.parent / "pyvenv.cfg").exists()
    return file.is_file() and not is_of_environment and any(map(file.resolve().is_relative_to, folders))


def _is_python(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/exe").readlink().name.startswith(("python", "pypy"))
    return False
