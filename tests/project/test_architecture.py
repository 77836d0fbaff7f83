"""The architecture: the contracts of `[tool.importlinter]`, and what no contract can say, held against the source.

import-linter sees imports inside functions and for type checkers too. It cannot tell them from those that run when a
module is imported, and says nothing of sizes.
"""

import ast
import dataclasses
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

TREES = ("harness", "targets", "scenarios", "reports")

MONKEY_PATCHERS = ("locust", "gevent", "greenlet")
OWN_PROCESSES = ("scenarios.micro.plain_locust", "targets.backends.moto_child")
MOST_FUNCTION_LINES = 60
MOST_FILE_LINES = 350


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@dataclasses.dataclass(frozen=True)
class Source:
    """One module: its name, what it imports (at the top, and anywhere), and its functions with their lines."""

    name: str
    imports: frozenset[str]
    imports_at_once: frozenset[str] = frozenset()
    lines: int = 0
    functions: tuple[tuple[str, int], ...] = ()


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(node: ast.AST, module: str, known: frozenset[str]) -> set[str]:
    """Return the modules that one statement names; `from package import module` names the module."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if not isinstance(node, ast.ImportFrom):
        return set()
    assert not node.level, f"{module}: relative imports hide the layer"
    package = node.module or ""
    return {
        f"{package}.{alias.name}" if f"{package}.{alias.name}" in known else package for alias in node.names
    }


def own_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without those of the functions inside it."""
    inner = [
        node
        for statement in function.body
        for node in ast.walk(statement)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    covered = {line for node in inner for line in range(node.lineno, node.end_lineno + 1)}
    return len(set(range(function.lineno, function.end_lineno + 1)) - covered)


def for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def read(path: Path, known: frozenset[str]) -> Source:
    text, module = path.read_text("utf-8"), name_of(path)
    tree = ast.parse(text)
    at_once = (node for node in tree.body if not for_type_checkers(node))
    return Source(
        module,
        frozenset().union(*(imported(node, module, known) for node in ast.walk(tree))),
        frozenset().union(*(imported(node, module, known) for node in at_once)),
        len(text.splitlines()),
        tuple(
            (node.name, own_lines(node))
            for node in ast.walk(tree)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        ),
    )


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    paths = [path for tree in TREES for path in sorted((ROOT / tree).rglob("*.py"))]
    known = frozenset(name_of(path) for path in paths)
    return [read(path, known) for path in paths]


def crossing(sources, importers, targets, *, but=()):
    """Imports of `targets` by modules of `importers` that are not in `but`."""
    return [
        (source.name, name)
        for source in sources
        if within(source.name, *importers) and not within(source.name, *but)
        for name in sorted(source.imports)
        if within(name, *targets)
    ]


def cycle(sources):
    """Return one circle of imports, those inside functions and for type checkers included, or an empty list."""
    edges = {source.name: source.imports for source in sources}
    done: set[str] = set()

    def visit(name, trail):
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done or name not in edges:
            return []
        found = next(filter(None, (visit(other, [*trail, name]) for other in edges[name])), [])
        done.add(name)
        return found

    return next(filter(None, (visit(name, []) for name in edges)), [])


def lint_imports(folder):
    """Return the exit code of import-linter on the trees in `folder`, and what it says, without its logo."""
    argv = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
        "--no-cache",
        "--no-logo",
    ]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_every_contract_of_the_architecture_is_kept():
    code, said = lint_imports(ROOT)
    assert code == 0, said


def test_every_contract_of_the_architecture_can_be_broken(tmp_path):
    for tree in TREES:
        shutil.copytree(
            ROOT / tree, tmp_path / tree, ignore=shutil.ignore_patterns("__pycache__", "*.js", "*.css")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = {
        "harness/plans/plan.py": "def f():\n    import harness.reading.summary",
        "harness/table/calls.py": "if TYPE_CHECKING:\n    import harness.table.pieces",
        "harness/reading/summary.py": "import harness.target.invoke\nimport reports.shared.page",
        "harness/stats/sign.py": "import harness.units",
        "reports/shared/page.py": "import harness.commands.run\nimport locust",
        "targets/asset_core/core.py": "import harness.clock",
        "scenarios/catalogue.py": "import gevent",
    }
    for path, line in planted.items():
        file = tmp_path / path
        file.write_text(f"{file.read_text()}\n\n{line}\n")
    code, said = lint_imports(tmp_path)
    assert code == 1, said
    assert re.findall(r"^.* KEPT.*$", said, re.MULTILINE) == []
    assert len(re.findall(r"^.* BROKEN.*$", said, re.MULTILINE)) == 9


def test_no_imports_go_in_a_circle(sources):
    assert cycle(sources) == []


def test_importing_the_asset_core_meets_nothing_that_monkey_patches(sources):
    at_once = [Source(source.name, source.imports_at_once) for source in sources]
    assert crossing(at_once, ["targets"], MONKEY_PATCHERS, but=OWN_PROCESSES) == []


def test_no_function_runs_the_whole_show(sources):
    long = [
        (source.name, name, lines)
        for source in sources
        for name, lines in source.functions
        if lines > MOST_FUNCTION_LINES
    ]
    assert long == []


def test_no_file_is_too_long_to_read(sources):
    assert [(source.name, source.lines) for source in sources if source.lines > MOST_FILE_LINES] == []


def test_a_circle_is_found():
    first = Source("harness.plans.plan", frozenset({"harness.table.calls"}))
    second = Source("harness.table.calls", frozenset({"harness.plans.plan"}))
    assert cycle([first, second]) == ["harness.plans.plan", "harness.table.calls", "harness.plans.plan"]


def test_imports_inside_functions_and_of_modules_by_name_are_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    path = tmp_path / "harness" / "one.py"
    path.parent.mkdir()
    path.write_text(
        "from harness.table import calls\nfrom harness.run import SCHEMA\ndef f():\n    import gevent.hub\n"
    )
    source = read(path, frozenset({"harness", "harness.table.calls", "harness.run", "harness.one"}))
    assert source.imports == {"harness.table.calls", "harness.run", "gevent.hub"}
    assert source.imports_at_once == {"harness.table.calls", "harness.run"}
    assert crossing([source], ["harness"], MONKEY_PATCHERS) == [("harness.one", "gevent.hub")]


def test_a_long_function_is_counted_without_the_functions_inside_it():
    inner = "    def inner():\n" + "        pass\n" * 70
    outer = ast.parse("def outer():\n" + inner + "    return inner\n").body[0]
    assert own_lines(outer) == 2
    assert own_lines(outer.body[0]) == 71
