"""The layers of the product as data, held against every import in the source."""

import ast
import dataclasses
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TREES = ("harness", "targets", "scenarios", "reports")

# A module imports only modules of its own layer or of a lower one. A name that ends in `.*` stands for what is in
# the package, and for the package; the longest name that fits counts. A folder has one layer.
LAYERS = {
    "targets.*": 6,
    "scenarios.*": 6,
    "scenarios.locustfile": 18,
    "scenarios.micro.bench_flame": 18,
    "scenarios.micro.bench_self": 18,
    "harness": 0,
    "harness.errors": 0,
    "harness.model": 0,
    "harness.clock": 0,
    "harness.askgit": 0,
    "harness.redaction.*": 0,
    "harness.stats.*": 0,
    "harness.units": 1,
    "harness.storage.*": 1,
    "harness.environment": 1,
    "harness.supervise.*": 1,
    "harness.policy.*": 2,
    "harness.profiles.*": 2,
    "harness.table.*": 2,
    "harness.plans.*": 3,
    "harness.target.*": 4,
    "harness.run.*": 5,
    "harness.processes.*": 6,
    "harness.load.*": 7,
    "harness.micro.*": 7,
    "harness.reading.*": 8,
    "harness.capacity.*": 9,
    "harness.export.*": 9,
    "harness.profiling.*": 9,
    "harness.session.*": 10,
    "harness.exact.*": 11,
    "harness.explain.*": 12,
    "harness.judge.*": 12,
    "harness.calibrate.*": 13,
    "harness.console.*": 13,
    "reports.*": 14,
    "harness.work.*": 15,
    "harness.commands.*": 16,
    "harness.cli": 17,
    "harness.__main__": 18,
}

MEASURING = (
    "harness.table.recorder",
    "harness.target.invoke",
    "harness.load",
    "harness.processes",
    "harness.supervise",
    "harness.target.loading",
    "targets",
    "scenarios",
)
JUDGING = (
    "harness.reading",
    "harness.judge",
    "reports",
)
MONKEY_PATCHERS = ("locust", "gevent", "greenlet")
OWN_PROCESSES = ("scenarios.micro.plain_locust", "targets.backends.moto_child")
MOST_FUNCTION_LINES = 60
MOST_FILE_LINES = 350


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def layer_of(module: str) -> int | None:
    fitting = [
        name for name in LAYERS if module == name or (name.endswith(".*") and within(module, name[:-2]))
    ]
    return LAYERS[max(fitting, key=len)] if fitting else None


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


def without_layer(sources):
    return [source.name for source in sources if layer_of(source.name) is None]


def upward(sources):
    """Imports of a higher layer: (importer, imported)."""
    return [
        (source.name, name)
        for source in sources
        for name in sorted(source.imports)
        if within(name, *TREES) and (layer_of(name) or 0) > (layer_of(source.name) or 0)
    ]


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
    """Return one circle of imports that run when the modules are imported, or an empty list."""
    edges = {source.name: source.imports_at_once for source in sources}
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


def test_every_module_has_a_layer(sources):
    assert without_layer(sources) == [], "give it a place in LAYERS"


def test_a_module_imports_only_its_own_layer_or_lower_ones(sources):
    assert upward(sources) == []


def test_no_imports_go_in_a_circle(sources):
    assert cycle(sources) == []


def test_only_the_load_engine_meets_what_monkey_patches(sources):
    # The core's pool ends greenlets, in functions that are reached only where the process is patched already. The
    # others are processes of their own: a server, and plain Locust.
    but = ("harness.load", "scenarios.locustfile", "targets.asset_core.executor", *OWN_PROCESSES)
    assert crossing(sources, TREES, MONKEY_PATCHERS, but=but) == []


def test_importing_the_asset_core_meets_nothing_that_monkey_patches(sources):
    at_once = [Source(source.name, source.imports_at_once) for source in sources]
    assert crossing(at_once, ["targets"], MONKEY_PATCHERS, but=OWN_PROCESSES) == []


def test_the_asset_core_knows_nothing_of_the_harness(sources):
    assert crossing(sources, ["targets.asset_core"], ["harness", "reports", "scenarios", "tests"]) == []


def test_scenarios_are_data(sources):
    but = ("scenarios.locustfile", "scenarios.micro")
    assert crossing(sources, ["scenarios"], [*MONKEY_PATCHERS, "targets"], but=but) == []


def test_only_commands_know_scenarios_targets_and_reports(sources):
    but = ("harness.commands", "harness.work", "harness.cli")
    assert crossing(sources, ["harness"], ["scenarios", "targets", "reports"], but=but) == []


def test_measuring_and_judging_meet_only_in_files(sources):
    assert crossing(sources, JUDGING, MEASURING) == []


def test_statistics_import_nothing_of_ours(sources):
    but_stats = [name for name in LAYERS if within(name, "harness") and not within(name, "harness.stats")]
    found = crossing(sources, ["harness.stats"], [*TREES[1:], *but_stats])
    assert [pair for pair in found if not within(pair[1], "harness.stats")] == []


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


@pytest.mark.parametrize(
    ("importer", "target"),
    [
        ("harness.plans.plan", "harness.run.directory"),
        ("harness.run.directory", "harness.reading.summary"),
        ("harness.reading.summary", "reports.view"),
        ("reports.view", "harness.commands.showing.runs"),
        ("harness.commands.run", "harness.cli"),
        ("targets.known", "harness.reading.summary"),
    ],
)
def test_an_import_upward_is_found(importer, target):
    assert upward([Source(importer, frozenset({target, "numpy"}))]) == [(importer, target)]


def test_a_module_without_a_layer_is_found():
    assert without_layer([Source("harness.errors", frozenset()), Source("harness.other", frozenset())]) == [
        "harness.other"
    ]


def test_a_circle_is_found():
    first = Source("harness.plans.plan", frozenset(), frozenset({"harness.table.calls"}))
    second = Source("harness.table.calls", frozenset(), frozenset({"harness.plans.plan"}))
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
