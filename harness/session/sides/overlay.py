"""Make overlays: folders that show only a side's source roots, one for each place on the import path.

A root is a tree of real folders with links to the side's files. So byte code is written in the overlay, never in a
user's checkout, and never shared between sides: two checkouts made in the same second may hold different files of
equal size, which byte code cannot distinguish.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.errors import UsageError
from harness.processes.side_imports import MANIFEST, Side
from harness.session.sides.roots import NEVER_LINKED, is_module, read_built

_BUILT = (".so", ".pyd", ".dylib", ".o")


@dataclasses.dataclass(frozen=True, slots=True)
class Surroundings:
    """The places of code that a side must not import, as in a manifest: see `side_imports.Side`."""

    elsewhere: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()


def build_overlay(
    project: Path, roots: Mapping[str, str], overlay: Path, around: Surroundings | None = None
) -> list[str]:
    """Link the project's roots into a new folder, and return their import names.

    The folder's manifest names all roots: a root that this side lacks must not be imported from elsewhere.
    """
    overlay.mkdir(parents=True)
    present = {name: project / path for name, path in roots.items() if (project / path).exists()}
    for name, path in present.items():
        folder = overlay.joinpath(*name.split(".")[:-1])
        folder.mkdir(parents=True, exist_ok=True)
        link_tree(path, folder / path.name)
        if folder != overlay:
            _link_data(path.parent, folder)
    built = read_built(project)
    for metadata in built.metadata if built else ():
        link_tree(project / metadata, overlay / Path(metadata).name)
    write_manifest(overlay, roots, project, around or Surroundings())
    return list(present)


def write_manifest(overlay: Path, roots: Iterable[str], project: Path, around: Surroundings) -> None:
    """Describe a side in its overlay."""
    side = Side(
        str(overlay), list(roots), str(project.resolve()), around.elsewhere, around.beside, around.copies
    )
    (overlay / MANIFEST).write_text(json.dumps(side._asdict()), "utf-8")


def _link_data(source: Path, destination: Path) -> None:
    """Link the files beside the modules of a namespace package: the modules may read them."""
    for path in source.iterdir():
        if path.is_file() and not is_module(path) and not (destination / path.name).exists():
            (destination / path.name).symlink_to(path.resolve())


def link_tree(source: Path, destination: Path) -> None:
    """Recreate the folders of `source`, with a link to each of its files."""
    source = source.resolve()
    if not source.is_dir():
        destination.symlink_to(source)
        return
    for folder, names, files in os.walk(source):
        names[:] = [name for name in names if name not in NEVER_LINKED]
        place = destination / Path(folder).relative_to(source)
        place.mkdir(exist_ok=True)
        # A linked folder is not entered: it may lead back here.
        for name in (*files, *(name for name in names if Path(folder, name).is_symlink())):
            (place / name).symlink_to(Path(folder, name))


def refuse_shared(base: Path, candidate: Path, trees: Iterable[Path]) -> None:
    """Raise UsageError if the overlays of both sides show the same code, which lies outside of their trees.

    Links in a project may lead there. Files other than modules are accepted: both sides may read them.
    """
    tops = [tree.resolve() for tree in trees]
    for path in sorted(_links(base)):
        real, other = (base / path).resolve(), (candidate / path).resolve()
        is_code = real.is_dir() or is_module(path)
        if real == other and is_code and not any(real.is_relative_to(top) for top in tops):
            raise UsageError(
                f"Both sides would measure the same code: {path} is a link that leads out of the project",
                where=str(real),
                remedy="Put the code itself into the project, or compare two folders: path:BASE path:CANDIDATE",
            )


def _links(overlay: Path) -> list[Path]:
    walked = os.walk(overlay)
    return [
        Path(folder, name).relative_to(overlay)
        for folder, *both in walked
        for names in both
        for name in names
        if Path(folder, name).is_symlink()
    ]


def contents(overlay: Path) -> dict[str, tuple[int, int]]:
    """Return {file in the overlay: (time of change in ns, size)} of its links' current targets; a lost file is (0, 0)."""
    found = {}
    for folder, names, files in os.walk(overlay):
        names[:] = [name for name in names if name != "__pycache__"]
        for name in files:
            if name == MANIFEST:
                continue
            path = Path(folder, name)
            found[str(path.relative_to(overlay))] = _stamp(path)
    return found


def digest(folders: Iterable[Path]) -> str:
    """Return the SHA-256 of all files in the folders, by their relative names.

    What a machine builds for itself is left out: byte code, compiled modules, manifests.
    """
    whole = hashlib.sha256()
    for folder in folders:
        for name in sorted(contents(folder)):
            if name.endswith(_BUILT):
                continue
            try:
                inner = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            except OSError:
                inner = "lost"
            whole.update(f"{name}\0{inner}\0".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    try:
        facts = path.stat()
    except OSError:
        return 0, 0
    return facts.st_mtime_ns, facts.st_size
