"""Measure another tree than the running one: put an overlay folder first on the import path, and prove that it was used.

An overlay contains the source roots of a side, linked whole or file by file: packages and modules, but not `harness`
itself, since the engine is always that of the running tree. Its manifest lists what the side owns.
"""

import contextlib
from pathlib import Path

import harness
from harness.errors import TargetError
from harness.processes.side_imports import Watch, read_side, take_over
from harness.target.spec import kind_and_place

_ENGINE = [
    str(Path(harness.__file__).parent.parent / name)
    for name in ("harness", "reports", "scenarios", "targets")
]
"""Places of the engine, always of the running tree, in the harness's own checkout too; modules of a side never come from here."""


class OwnTree:
    """The tree of a side, put first on this process's import path. Make it before the target is imported."""

    def __init__(self, overlay: Path) -> None:
        side = read_side(str(overlay))
        if side is None:
            raise TargetError(
                "The folder of the side's code has no manifest",
                where=str(overlay),
                remedy="Start the command again: its temporary folder was changed",
            )
        take_over(side)
        self._side = side

    def own_place(self, name: str) -> str:
        """Return the name of a SPEC with the side's module in place of a file that is in the source roots.

        A file is named relative to the current folder, in the running tree: both sides would measure that one. Raises
        `TargetError` for a module of the source roots that this side lacks: the running tree's would be taken.
        """
        kind, place = kind_and_place(name)
        module, _, found = place.rpartition(":")
        if module.endswith(".py"):
            module = self._module_at(Path(module)) or module
        if self._side.owner(module) and not self._holds(module):
            raise TargetError(
                f"No module named '{module}' on this side",
                where=self._side.tree,
                remedy="Name a target that both sides have",
            )
        return ":".join(filter(None, [kind, module, found]))

    def _holds(self, module: str) -> bool:
        path = Path(self._side.overlay, *module.split("."))
        return path.is_dir() or any(path.parent.glob(f"{path.name}.*"))

    def _module_at(self, file: Path) -> str | None:
        """Return the import name of a file of the project on this side; None if the side does not own it."""
        with contextlib.suppress(ValueError):
            inside = file.resolve().relative_to(Path.cwd().resolve()).parts
            real = Path(self._side.tree, *inside).resolve()
            for start in range(len(inside)):
                path = Path(*inside[start:])
                shown = Path(self._side.overlay, path)
                # A file that this side lacks is looked for by its name too, so that it is missed.
                name = ".".join(path.with_suffix("").parts)
                if self._side.owner(name) and (shown.resolve() == real or not real.exists()):
                    return name
        return None

    def check(self, target: str, file: str) -> None:
        """Raise `TargetError` if code of the project came from outside the tree, or no source root was imported.

        `target` is the name of a SPEC, and `file` that of its factory or application. The file of a factory or a function
        may come from outside: it drives what is measured. That of an application is what is measured. If one root is
        imported, the others need not be.
        """
        drives = kind_and_place(target)[0] in {"", "call"}
        watch = Watch(self._side, [*_ENGINE, *([file] if drives else [])])
        for name, place in watch.strays():
            raise TargetError(
                f"'{name}' was imported from another tree than the measured one",
                where=place,
                remedy=self._remedy(name, place),
            )
        if not watch.imported():
            roots = ", ".join(sorted(self._side.roots)) or "no source root"
            raise TargetError(
                f"The target imports nothing of the measured tree: no module of {roots}",
                remedy="Name a target that does, or correct source-roots in [tool.harness]",
            )

    def _remedy(self, name: str, place: str) -> str:
        if self._side.owner(name):
            return "Remove the cause that puts it first on the import path (a .pth file, PYTHONPATH, a sitecustomize)"
        root, file = name.partition(".")[0], Path(place)
        if root == name and file.stem != "__init__" and file.is_relative_to(Path.cwd().resolve()):
            root = str(file.relative_to(Path.cwd().resolve()))
        return f"Both sides would measure it: add '{root}' to source-roots in [tool.harness]"
