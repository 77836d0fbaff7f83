"""Read the Python files of a project: their syntax trees, and the names that they import. Nothing is executed."""

import ast
import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.session.sides.roots import NEVER_LINKED
from harness.storage import files

SOURCE = Path("src")
_LEFT_OUT = NEVER_LINKED | {"build", "dist", "site-packages", "migrations", "venv", "env"}
NO_APPLICATION = ("tests", "test", "testing", "docs", "doc")
_MOST_FILES = 3_000
_MOST_BYTES = files.MIB


@dataclasses.dataclass(frozen=True, slots=True)
class Module:
    """A Python file of a project.

    `path` is relative to the project. `root` is the folder, relative too, from which the file is imported as `name`.
    `names` maps what the file imports to dotted names: `{"Flask": "flask.Flask"}`.
    """

    path: Path
    root: Path
    name: str
    tree: ast.Module
    names: Mapping[str, str]

    def dotted(self, expression: ast.expr) -> str:
        """Return the dotted name that an expression means in this file: `flask.Flask`, `shop.app.orders`; else empty."""
        if isinstance(expression, ast.Name):
            return self.names.get(expression.id, f"{self.name}.{expression.id}")
        if isinstance(expression, ast.Attribute) and (owner := self.dotted(expression.value)):
            return f"{owner}.{expression.attr}"
        return ""


def read_modules(project: Path) -> dict[str, Module]:
    """Return the modules of a project by name; files that cannot be parsed are left out."""
    found: dict[str, Module] = {}
    for path in python_files(project):
        try:
            tree = ast.parse(files.read_bytes(project / path, _MOST_BYTES))
        except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
            continue
        root = _root(project, path, tree)
        name = _name(path.relative_to(root))
        found.setdefault(name, Module(path, root, name, tree, dict(_imports(tree, name, path))))
    return found


def python_files(project: Path) -> list[Path]:
    """Return the paths of the Python files, relative to the project and sorted, without those of environments and builds."""
    found: list[Path] = []
    for folder, names, here in os.walk(project):
        names[:] = sorted(name for name in names if _is_of_the_project(Path(folder, name)))
        found += (Path(folder, name).relative_to(project) for name in sorted(here) if name.endswith(".py"))
        if len(found) >= _MOST_FILES:
            break
    return found[:_MOST_FILES]


def _is_of_the_project(folder: Path) -> bool:
    name = folder.name
    return name not in _LEFT_OUT and not name.startswith(".") and not (folder / "pyvenv.cfg").exists()


def _root(project: Path, path: Path, tree: ast.Module) -> Path:
    """Return the folder from which a file is imported: above its package, if its own imports begin there."""
    folder = path.parent
    while folder != Path() and (project / folder / "__init__.py").is_file():
        folder = folder.parent
    default = SOURCE if path.is_relative_to(SOURCE) and _is_source(project) else Path()
    tops = {name.partition(".")[0] for name in _absolute(tree)}
    beside = {top for top in tops if _holds(project / folder, top) and not _holds(project / default, top)}
    return folder if beside and folder != default else default


def _is_source(project: Path) -> bool:
    return (project / SOURCE).is_dir() and not (project / SOURCE / "__init__.py").exists()


def _holds(folder: Path, top: str) -> bool:
    return (folder / f"{top}.py").is_file() or (folder / top).is_dir()


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _absolute(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _imports(tree: ast.Module, name: str, path: Path) -> Iterator[tuple[str, str]]:
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield alias.asname or alias.name, f"{source}.{alias.name}" if source else alias.name


def is_test(path: Path) -> bool:
    """Return True for a file of a project's tests or documentation."""
    return not {*path.parts[:-1]}.isdisjoint(NO_APPLICATION) or path.name.startswith(("test_", "conftest"))


def text_constants(modules: Mapping[str, Module]) -> dict[str, str]:
    """Return the texts that the project assigns to names, in modules and classes; a name with several texts is left out."""
    found: dict[str, set[str]] = {}
    for module in modules.values():
        for node in ast.walk(module.tree):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                for target in targets:
                    if isinstance(target, ast.Name):
                        found.setdefault(target.id, set()).add(value.value)
    return {name: next(iter(texts)) for name, texts in found.items() if len(texts) == 1}


def text_of(expression: ast.expr, constants: Mapping[str, str]) -> str | None:
    """Return the text of an expression of texts, `constants`, their sums and f-strings; None for any other."""
    if isinstance(expression, ast.Constant):
        return expression.value if isinstance(expression.value, str) else None
    if isinstance(expression, ast.Name | ast.Attribute):
        return constants.get(expression.id if isinstance(expression, ast.Name) else expression.attr)
    if isinstance(expression, ast.JoinedStr):
        parts = [
            text_of(part.value if isinstance(part, ast.FormattedValue) else part, constants)
            for part in expression.values
        ]
    elif isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Add):
        parts = [text_of(part, constants) for part in (expression.left, expression.right)]
    else:
        return None
    return None if None in parts else "".join(filter(None, parts))
