"""Import what a SPEC names: the object at `path/to/file.py:name` or `package.module:name`, and nothing else of it."""

import contextlib
import difflib
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import HarnessError, RefusedError, TargetError

_NO_LOOP = ("no running event loop", "There is no current event loop")
"""Beginnings of asyncio's messages."""
_OPEN = "Make what needs an event loop in `async def open(self)` of the target: that runs in the loop of the calls"


def append_current_folder() -> None:
    """Put the current folder and its `src/`, which hold the user's packages, last on the import path.

    A folder there named `reports` or `targets` must not hide the harness's own, nor modules of it imported later.
    """
    for package in ("reports", "scenarios", "targets"):
        # The last place is not enough: an editable install is searched only after the whole path.
        importlib.import_module(package)
    here = os.getcwd()  # noqa: PTH109 - as Python itself writes it
    sys.path.append(here)
    if (source := Path(here, "src")).is_dir() and not (source / "__init__.py").exists():
        sys.path.append(str(source))


@contextlib.contextmanager
def told(what: str, remedy: str) -> Iterator[None]:
    """Raise whatever the target's code raises in the block as a `TargetError`: `what`, then the exception.

    This includes a `BaseException` such as `CancelledError`. An error of the harness passes unchanged.
    """
    try:
        yield
    except (KeyboardInterrupt, HarnessError):
        raise
    except BaseException as error:
        if isinstance(error, RuntimeError) and str(error).startswith(_NO_LOOP):
            remedy = _OPEN
        raise TargetError(f"{what}: {type(error).__name__}: {error}", remedy=remedy) from error


def load_object(text: str) -> Any:
    """Import the object at `path/to/file.py:name` or `package.module:name`; a name may have dots, for an attribute of a class.

    With `()` after the name, what stands there is called without arguments, and its result returned. Raises `TargetError`
    if the file or module is missing or fails to import, or has no such object, or if the call fails.
    """
    place, _, name = text.rpartition(":")
    if not place or not name:
        raise TargetError(
            f"'{text}' names no object of a module",
            remedy="Write package.module:name or path/to/file.py:name",
        )
    with told(
        f"The target's module '{place}' cannot be imported",
        "Import it in a Python shell to see the full traceback",
    ):
        found: Any = module_of_file(Path(place)) if place.endswith(".py") else module_by_name(place)
    factory = name.removesuffix("()")
    for part in factory.split("."):
        if not hasattr(found, part):
            raise TargetError(f"'{place}' has no '{factory}'", remedy=_nearest(factory, found))
        found = getattr(found, part)
    return found if factory == name else _made(text, found)


def _nearest(name: str, module: Any) -> str:
    near = difflib.get_close_matches(name, [one for one in dir(module) if not one.startswith("__")], 1, 0.6)
    return f"Did you mean '{near[0]}'?" if near else "Correct the name after the colon"


def _made(text: str, factory: Any) -> Any:
    """Return what a factory of applications makes; one that needs arguments is not called."""
    if not callable(factory):
        raise TargetError(
            f"'{text}' calls an object of class {type(factory).__qualname__}, which cannot be called",
            remedy="Remove the ()",
        )
    try:
        inspect.signature(factory).bind()
    except ValueError:
        pass  # A function written in C may have no signature.
    except TypeError as error:
        raise TargetError(
            f"'{text}' cannot be called without arguments: {error}",
            remedy="Write a function without arguments that calls it with its arguments, and name that function",
        ) from error
    with told(f"'{text}' failed", "Correct the application"):
        made = factory()
        if inspect.iscoroutine(made):
            made.close()
            raise RefusedError(
                f"'{text}' is an async function", remedy="Write a plain function that makes the application"
            )
        return made


def file_of_module(place: str) -> str:
    """Return the file of the imported module at a place, symbolic links resolved; empty if it has none."""
    name = place.rpartition(":")[0]
    if name.endswith(".py"):
        return os.path.realpath(name)
    file = getattr(sys.modules.get(name), "__file__", None)
    return os.path.realpath(file) if file else ""


def module_of_file(path: Path) -> ModuleType:
    """Import a Python file by its path. Raises whatever the import raises."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    # Modules beside the file must be importable, after all installed packages.
    sys.path.append(str(path.resolve().parent))
    spec = importlib.util.spec_from_file_location(f"_target_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Pickling, dataclasses and profilers look a module up by its name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def module_by_name(name: str) -> ModuleType:
    """Import a module by its name; the current folder is searched last. Raises whatever the import raises."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # The harness's own `targets/` or `reports/` comes first on the path: look for the user's file directly.
        own = Path(*name.split(".")).with_suffix(".py")
        if error.name is None or not name.startswith(error.name) or not own.is_file():
            raise
        return module_of_file(own)
