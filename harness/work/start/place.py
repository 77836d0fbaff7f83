"""Write the PLACE of an object in a SPEC: by the name of its module where that is importable, else by its file."""

import importlib.util
from pathlib import Path

from harness.work.start.modules import SOURCE, Module


def place_of(project: Path, module: Module, name: str) -> str:
    """Return `package.module:name` or `path/to/file.py:name`."""
    if is_importable(project, module):
        return f"{module.name}:{name}"
    return f"{module.path.as_posix()}:{name}"


def is_importable(project: Path, module: Module) -> bool:
    """Return True if the module's name, searched from the project or its `src`, leads to its file."""
    top = module.name.partition(".")[0]
    return (
        module.root in {Path(), SOURCE}
        and module.name != "__init__"
        and all(part.isidentifier() for part in module.name.split("."))
        and not _is_taken(project, top)
    )


def has_own_root(module: Module) -> bool:
    """Return True if the module's imports begin in a folder that is neither the project, its `src` nor the file's own."""
    return module.root not in {Path(), SOURCE, module.path.parent}


def _is_taken(project: Path, top: str) -> bool:
    """Return True if the name at the top leads to an installed package or to one of Python's own modules."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return True
    if spec is None:
        return False
    places = [*(spec.submodule_search_locations or ()), *([spec.origin] if spec.origin else [])]
    return not any(Path(place).resolve().is_relative_to(project.resolve()) for place in places)
