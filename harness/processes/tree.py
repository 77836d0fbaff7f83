"""Measure another tree than the running one: put an overlay folder first on the import path, and prove that it was used.

An overlay contains the source roots of a side, linked whole or file by file: packages and modules, but not `harness`
itself, since the engine is always that of the running tree. Its manifest lists what the side owns.
"""

from collections.abc import Iterable
from pathlib import Path

import harness
from harness.errors import TargetError
from harness.processes.side_imports import Watch, read_side, take_over

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

    def check(self, beside: Iterable[str] = ()) -> None:
        """Raise `TargetError` if code of the project came from outside the tree, or no source root was imported.

        `beside` are files that may come from outside: a target outside of the source roots. If one root is imported, the
        others need not be.
        """
        watch = Watch(self._side, [*_ENGINE, *beside])
        for name, place in watch.strays():
            raise TargetError(
                f"'{name}' was imported from another tree than the measured one",
                where=place,
                remedy=self._remedy(name),
            )
        if not watch.imported():
            roots = ", ".join(sorted(self._side.roots)) or "no source root"
            raise TargetError(
                f"The target imports nothing of the measured tree: no module of {roots}",
                remedy="Name a target that does, or correct source-roots in [tool.harness]",
            )

    def _remedy(self, name: str) -> str:
        if self._side.owner(name):
            return "Remove the cause that puts it first on the import path (a .pth file, PYTHONPATH, a sitecustomize)"
        return (
            f"Both sides would measure it: add '{name.partition('.')[0]}' to source-roots in [tool.harness]"
        )
