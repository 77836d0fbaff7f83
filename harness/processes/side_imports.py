"""Import the measured packages of a side from its overlay and from nowhere else, and prove that.

Slots, the measured processes of targets, and the Python processes that both start use it. A slot may measure
the harness itself, so this file imports nothing of it and is loaded by its path.

The overlay holds a `MANIFEST` that describes it. `roots` are the import names that the side owns, dotted
where they are in a namespace package. An editable install may have brought finders that know another tree: those are
never asked for modules that the side owns. A module loaded nevertheless from `elsewhere` (the user's checkouts, the other
side's tree) or from `copies` (files of an installed copy of the project) is a stray: it would be measured on both sides.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, NamedTuple

MANIFEST = ".side.json"
OVERLAY_VARIABLE = "HARNESS_SIDE_OVERLAY"
_CHILDREN = os.path.join(os.path.dirname(os.path.realpath(__file__)), "in_children")
_INSTALLED = {"site-packages", "dist-packages"}
_MAPS = "/proc/self/maps"


class Side(NamedTuple):
    """One side as its overlay's manifest describes it; `tree` is the folder that all of its links must lead to."""

    overlay: str
    roots: Sequence[str]
    tree: str
    elsewhere: Sequence[str] = ()
    beside: Sequence[str] = ()
    """Folders within `elsewhere` with code that both sides share by intention: benchmarks and their helpers."""
    copies: Sequence[str] = ()

    def owner(self, name: str) -> str | None:
        """Return the root that a module is or belongs to; None if the side does not own it."""
        return next((root for root in self.roots if name == root or name.startswith(f"{root}.")), None)


def read_side(overlay: str) -> Side | None:
    """Return the overlay's manifest; None for an overlay without one."""
    try:
        with open(os.path.join(overlay, MANIFEST), encoding="utf-8") as file:
            return Side(**json.load(file))
    except FileNotFoundError:
        return None


def take_over(side: Side, front: Sequence[str] = ()) -> None:
    """Put the overlay and then `front` first on the import path, here and in children."""
    sys.path[:0] = [side.overlay, *front]
    sys.meta_path[:] = [OwnFinder(side), *(_guarded(finder, side) for finder in sys.meta_path)]
    os.environ.update(children_environment(side.overlay, front))


def children_environment(overlay: str, front: Sequence[str] = ()) -> dict[str, str]:
    """Return the variables with which Python processes that this one starts import from the overlay, and then from `front`."""
    paths = [_CHILDREN, overlay, *front, os.environ.get("PYTHONPATH", "")]
    return {
        OVERLAY_VARIABLE: overlay,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(path for path in paths if path)),
    }


class OwnFinder:
    """Finds modules that the side owns in its overlay, before any other finder is asked."""

    def __init__(self, side: Side) -> None:
        self._side = side

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a module's spec; raise ModuleNotFoundError if this side lacks it and another finder might find one."""
        owner = self._side.owner(name)
        if owner is None:
            return None
        inside = [place for place in path or () if _within(place, (self._side.overlay, self._side.tree))]
        if name == owner:
            inside, path = [os.path.join(self._side.overlay, *name.split(".")[:-1])], None
        spec = PathFinder.find_spec(name, inside)
        if spec is None and (path is None or len(inside) < len(list(path))):
            raise ModuleNotFoundError(f"No module named {name!r} on this side", name=name)
        return spec


class _Guarded:
    """Wraps a finder installed before the side's code began, as by editable installs: not asked for modules of the side."""

    def __init__(self, finder: Any, side: Side) -> None:
        self._finder, self._side = finder, side

    def find_spec(self, name: str, *rest: Any) -> ModuleSpec | None:
        return None if self._side.owner(name) else self._finder.find_spec(name, *rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)

    def __eq__(self, other: object) -> bool:
        # The code that installed the finder searches the list of finders for it.
        return other is self._finder or other is self

    def __hash__(self) -> int:
        return hash(self._finder)


def _guarded(finder: Any, side: Side) -> Any:
    home = finder.__module__ if isinstance(finder, type) else type(finder).__module__
    is_pythons_own = home.startswith("_frozen_importlib") or not hasattr(finder, "find_spec")
    return finder if is_pythons_own else _Guarded(finder, side)


class Watch:
    """Reports what has been loaded since the last look: modules, and mapped libraries that are no modules."""

    def __init__(self, side: Side, allowed: Sequence[str] = ()) -> None:
        self._side = side
        self._allowed = [os.path.realpath(place) for place in (*side.beside, *allowed)]
        self._elsewhere = [os.path.realpath(place) for place in side.elsewhere]
        self._copies = frozenset(side.copies)
        self._seen: set[str] = set()
        self._folders: dict[str, str] = {}

    def imported(self) -> list[str]:
        """Return the roots that have been imported."""
        return [root for root in self._side.roots if root in sys.modules]

    def strays(self) -> list[tuple[str, str]]:
        """Return (module, place) of newly loaded modules that should have come from this side, or from none."""
        return [*self._modules(), *self._libraries()]

    def _modules(self) -> Iterator[tuple[str, str]]:
        for name, module in list(sys.modules.items()):
            if name in self._seen or name == "__main__":
                continue
            self._seen.add(name)
            owned = self._side.owner(name) is not None
            for place in places_of(module, folders=owned):
                if self._is_stray(place, owned=owned):
                    yield name, self._real(place)

    def _libraries(self) -> Iterator[tuple[str, str]]:
        try:
            with open(_MAPS, encoding="utf-8", errors="surrogateescape") as file:
                mapped = {line.split(maxsplit=5)[5].rstrip("\n") for line in file if ".so" in line}
        except OSError:
            return
        for place in sorted(mapped - self._seen):
            self._seen.add(place)
            if self._is_stray(place, owned=False):
                yield os.path.basename(place), place

    def _is_stray(self, place: str, *, owned: bool) -> bool:
        real, side = self._real(place), self._side
        if _within(real, (side.tree,)):
            return False
        if real in self._copies:
            return True
        is_elsewhere = self._is_elsewhere(real)
        if _within(os.path.abspath(place), (side.overlay,)):
            return is_elsewhere
        return owned or is_elsewhere

    def _real(self, place: str) -> str:
        """Resolve links, once for each folder: a process has thousands of modules in a few folders."""
        folder, name = os.path.split(os.path.abspath(place))
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        real = os.path.join(self._folders[folder], name)
        return os.path.realpath(real) if os.path.islink(real) else real

    def _is_elsewhere(self, real: str) -> bool:
        """True in a checkout, unless a nearer folder in it is not part of the project."""
        checkout = max((place for place in self._elsewhere if _within(real, (place,))), key=len, default="")
        if not checkout:
            return False
        nearer = [*self._allowed, sys.prefix, sys.base_prefix]
        if any(_within(real, (place,)) and len(place) > len(checkout) for place in nearer):
            return False
        return _INSTALLED.isdisjoint(real[len(checkout) :].split(os.sep))


def places_of(module: Any, *, folders: bool = False) -> list[str]:
    """Return the file of a module, or, if asked, the folders of a namespace package; never loads a lazy module."""
    try:
        facts = object.__getattribute__(module, "__dict__")
        file = facts.get("__file__")
        if isinstance(file, str):
            return [file]
        return [str(place) for place in facts.get("__path__", ())] if folders else []
    except Exception:  # noqa: BLE001 - anything may stand in sys.modules
        return []


def _within(place: str, folders: Sequence[str]) -> bool:
    return any(place == folder or place.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)
