"""Measuring another tree than the running one: an overlay folder first on the import path, and proof that it won.

An overlay shows the source roots of a side, linked whole or file by file: packages and modules, never `harness`
itself, since the engine that measures is always the one that runs. Its manifest says what the side owns.
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
"""What measures comes from the running tree, in the harness's own checkout too; what a side owns of it never does."""


class OwnTree:
    """The tree of a side, first on this process's import path from now on. Make it before the target is imported."""

    def __init__(self, overlay: Path) -> None:
        side = read_side(str(overlay))
        if side is None:
            raise TargetError(
                "The folder of the side's code has no manifest",
                where=str(overlay),
                remedy="Start the command again: its temporary folder was changed meanwhile",
            )
        take_over(side)
        self._side = side

    def check(self, beside: Iterable[str] = ()) -> None:
        """Raise `TargetError` if code of the project came from anywhere but the tree, or no source root was imported.

        `beside` are files that may: that of a target outside of the source roots. A root that is not imported beside
        others is no fault.
        """
        watch = Watch(self._side, [*_ENGINE, *beside])
        for name, place in watch.strays():
            raise TargetError(
                f"'{name}' was imported from another tree than the one to be measured",
                where=place,
                remedy=self._remedy(name),
            )
        if not watch.imported():
            roots = ", ".join(sorted(self._side.roots)) or "no source root"
            raise TargetError(
                f"The target imports nothing of the tree to be measured: no module of {roots}",
                remedy="Name a target that does, or the right source-roots in [tool.harness]",
            )

    def _remedy(self, name: str) -> str:
        if self._side.owner(name):
            return (
                "Remove what puts it in front of the import path (a .pth file, PYTHONPATH, a sitecustomize)"
            )
        return (
            f"Both sides would measure it: add '{name.partition('.')[0]}' to source-roots in [tool.harness]"
        )
