"""Measuring another tree than the running one: an overlay folder first on the import path, and proof that it won.

An overlay shows the source roots of a side, linked whole or file by file: packages and modules, never `harness`
itself, since the engine that measures is always the one that runs.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from harness.errors import TargetError


def prefer(overlay: Path) -> None:
    """Put `overlay` in front of everything else that is importable. Call it before the target is imported."""
    sys.path.insert(0, str(overlay))


def check(overlay: Path, modules: Mapping[str, ModuleType]) -> None:
    """Raise `TargetError` if a source root was imported from anywhere but the overlay's tree, or none at all.

    `modules` is `sys.modules` after the target has been opened; a root that is not imported beside others is no fault.
    """
    for name, place in strays(overlay, modules):
        raise TargetError(
            f"'{name}' was imported from another tree than the one to be measured",
            where=place,
            remedy="Remove what puts it in front of the import path (a .pth file, PYTHONPATH, a sitecustomize)",
        )
    roots = sorted(entry.stem for entry in overlay.iterdir())
    if not any(root in modules for root in roots):
        raise TargetError(
            f"The target imports nothing of the tree to be measured: no module of {', '.join(roots) or 'no source root'}",
            remedy="Name a target that does, or the right source-roots in [tool.harness]",
        )


def strays(overlay: Path, modules: Mapping[str, ModuleType]) -> Iterator[tuple[str, str]]:
    """Yield each imported module below a source root whose file lies outside that root, with its place."""
    roots = {entry.stem: entry for entry in overlay.iterdir()}
    for name, module in list(modules.items()):
        root = roots.get(name.partition(".")[0])
        file = getattr(module, "__file__", None)
        if root is not None and file and not _is_within(Path(file), root):
            yield name, file


def _is_within(file: Path, root: Path) -> bool:
    """Return True if a file was found through the overlay, or is what the overlay's link leads to."""
    return file.absolute().is_relative_to(root.absolute()) or file.resolve().is_relative_to(root.resolve())
