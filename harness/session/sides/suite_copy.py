"""The suite of a project for the slots of all sides: copied once, and shown to each side among its own code.

A slot runs in a mirror of its side's project. The suite there, its helpers and data, and pytest's configuration are the
candidate's on all sides; every other module is the side's own. So conftest files, the `pythonpath` of the configuration and
relative paths lead where they lead in the project.
"""

import dataclasses
import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from harness.micro.places import Places
from harness.session.sides.overlay import link_tree
from harness.session.sides.roots import NEVER_LINKED, NO_SOURCE, is_module

_MOST_COPIED_BYTES = 1 << 20
"""Size of a data file that is linked to and not copied, in bytes."""


def copy_suite(project: Path, places: Places, roots: Collection[str], bench: Path) -> Places:
    """Copy what all sides have in common into a new folder, and return the places of the suite there.

    That is everything at the top of the project that holds no module, the folders of tests and examples, and the folder at the
    top that holds the suite. Where that one holds measured code, the suite alone is copied, to the top: its neighbours are
    each side's own.
    """
    bench.mkdir(parents=True)
    moved = {place: _moved(place, roots) for place in places.found}
    for place, destination in moved.items():
        if place != destination:
            _copy(project / place, bench / destination)
    tops = {Path(place).parts[0] for place in moved.values() if Path(place).parts}
    for entry in sorted(project.iterdir()):
        is_shared = entry.name in tops or entry.name == "conftest.py" or not _is_of_a_side(entry)
        if is_shared and not _is_left_out(entry) and not (bench / entry.name).exists():
            _copy(entry, bench / entry.name)
    return _as_moved(places, moved)


def _moved(place: str, roots: Collection[str]) -> str:
    path = Path(place)
    among_code = any(Path(root).parts[0] == path.parts[0] for root in roots) if len(path.parts) > 1 else False
    return path.name if among_code else place


def _as_moved(places: Places, moved: Mapping[str, str]) -> Places:
    def after(place: str | None) -> str | None:
        if place is None:
            return None
        for before, now in moved.items():
            if Path(place).is_relative_to(before):
                return str(Path(now) / Path(place).relative_to(before))
        return place

    root = after(places.root) or "."
    if root == places.root and list(moved) != list(moved.values()):
        # A file at the top, or several places of which some have moved.
        tops = [now if places.root == before else str(Path(now).parent) for before, now in moved.items()]
        root = os.path.commonpath(tops) or "."
    return dataclasses.replace(
        places, found=tuple(moved.values()), root=root, config=after(places.config), asv=after(places.asv)
    )


def _is_of_a_side(entry: Path) -> bool:
    """Return True for code at the top of a project that is not a test: each side has its own."""
    if entry.name in NO_SOURCE:
        return False
    return _holds_module(entry) if entry.is_dir() else is_module(Path(entry.name))


def _holds_module(folder: Path) -> bool:
    for _, names, files in os.walk(folder):
        names[:] = [name for name in names if name not in NEVER_LINKED]
        if any(is_module(Path(name)) for name in files):
            return True
    return False


def _is_left_out(entry: Path) -> bool:
    if entry.name in NEVER_LINKED or (entry / "pyvenv.cfg").exists():
        return True
    return entry.is_dir() and entry.name[0] == "."


def _copy(source: Path, destination: Path) -> None:
    if source.is_dir():
        shutil.copytree(
            source,
            destination,
            ignore=shutil.ignore_patterns(*NEVER_LINKED),
            copy_function=_copy_file,
            ignore_dangling_symlinks=True,
        )
    elif source.exists():
        _copy_file(source, destination)


def _copy_file(source: str | Path, destination: str | Path) -> None:
    if Path(source).stat().st_size > _MOST_COPIED_BYTES and not is_module(Path(source)):
        Path(destination).symlink_to(Path(source).resolve())
    else:
        shutil.copy2(source, destination)


def build_mirror(tree: Path, bench: Path, roots: Mapping[str, str], overlay: Path, mirror: Path) -> None:
    """Make a folder that shows a side its project: the files of `bench`, and the side's own code.

    The measured roots are those of the overlay, `{import name: path in the project}`.
    """
    # Links and no copies: a suite is shown several times.
    shutil.copytree(bench, mirror, symlinks=True, copy_function=_link_file)
    measured = {
        Path(path): overlay.joinpath(*name.split(".")[:-1]) / Path(path).name for name, path in roots.items()
    }
    _show(tree, mirror, Path(), measured)


def _link_file(source: str, destination: str) -> None:
    os.link(source, destination, follow_symlinks=False)


def _show(tree: Path, mirror: Path, inside: Path, measured: Mapping[Path, Path]) -> None:
    for entry in _shown(tree / inside, is_top=inside == Path()):
        path = inside / entry.name
        if (mirror / path).exists():
            continue
        if path in measured:
            (mirror / path).symlink_to(measured[path])
        elif not entry.is_dir() or entry.is_symlink():
            (mirror / path).symlink_to(entry.resolve())
        elif any(root.is_relative_to(path) for root in measured):
            (mirror / path).mkdir()
            _show(tree, mirror, path, measured)
        else:
            link_tree(entry, mirror / path)


def _shown(folder: Path, *, is_top: bool) -> Iterable[Path]:
    entries = (entry for entry in sorted(folder.iterdir()) if not _is_left_out(entry))
    return (entry for entry in entries if _is_of_a_side(entry)) if is_top else entries
