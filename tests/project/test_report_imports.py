"""Reports decide nothing: what they may import of the harness, as data, held against every import in their source."""

import ast

import pytest

from tests.support.paths import ROOT

REPORTS = ROOT / "reports"
# What is known of a run, of a session, of a profile and of a search, and how numbers and texts are written. Reports ask
# it and set it out; they scan no table of calls, test no hypothesis and know no profiler.
ALLOWED = (
    "harness.capacity.document",
    "harness.capacity.estimate",
    "harness.capacity.seen",
    "harness.capacity.plateau",
    "harness.capacity.search",
    "harness.clock",
    "harness.environment",
    "harness.errors",
    "harness.exact.metrics",
    "harness.history.document",
    "harness.history.entry",
    "harness.imported.document",
    "harness.index.document",
    "harness.judge.ablation",
    "harness.judge.instructions",
    "harness.judge.metrics",
    "harness.judge.verdict",
    "harness.micro.document",
    "harness.model",
    "harness.policy",
    "harness.profiles.difference.attribution",
    "harness.profiles.difference.finding",
    "harness.profiles.difference.frames",
    "harness.profiles.difference.places",
    "harness.profiles.difference.timed",
    "harness.profiles.facts",
    "harness.profiles.stacks",
    "harness.profiling",
    "harness.reading",
    "harness.redaction",
    "harness.run.directory",
    "harness.run.documents",
    "harness.run.facts",
    "harness.session.receipt",
    "harness.table.histogram",
    "harness.table.latency",
    "harness.target.failures",
    "harness.target.journey_ends",
    "harness.units",
)
DRAWING = ("reports.charts", "reports.run.plots")
"""Numbers become lines and areas here, and nowhere else."""
ROOMS = ("ablation", "capacity", "history", "index", "micro", "profile", "run", "session")
SHARED = {"charts": {"shared"}, "flame": {"shared"}, "shared": set()}


def within(module, *packages):
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def imports_of(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def not_allowed(module, text):
    """Return what a module imports that a report may not."""
    found = set()
    for name in imports_of(text):
        if within(name, "harness") and not within(name, *ALLOWED):
            # `from harness.reading import comparing` names the package first.
            found |= {name} if not any(within(allowed, name) for allowed in ALLOWED) else set()
        if within(name, "numpy") and not within(module, *DRAWING):
            found.add(name)
    return sorted(found)


def neighbours(module, text):
    """Return the rooms that a module enters and has no business in."""
    room = module.split(".")[1]
    may = SHARED.get(room, {*SHARED})
    entered = {name.split(".")[1] for name in imports_of(text) if within(name, "reports") and "." in name}
    return sorted(entered - may - {room})


SOURCES = {
    "reports." + ".".join(path.relative_to(REPORTS).with_suffix("").parts): path.read_text("utf-8")
    for path in sorted(REPORTS.glob("*/**/*.py"))
}


def test_reports_import_data_and_decide_nothing():
    assert {module: found for module, text in SOURCES.items() if (found := not_allowed(module, text))} == {}


def test_no_report_enters_the_room_of_another():
    assert {module: found for module, text in SOURCES.items() if (found := neighbours(module, text))} == {}


def test_every_folder_of_modules_is_a_room_or_shared():
    folders = {path.parent.name for path in REPORTS.glob("*/__init__.py")}
    assert folders == {*ROOMS, *SHARED}


@pytest.mark.parametrize(
    ("module", "text", "found"),
    [
        ("reports.run.lost", "import numpy as np", ["numpy"]),
        ("reports.run.lost", "from harness.table.pieces import pieces", ["harness.table.pieces", "harness.table.pieces.pieces"]),
        ("reports.profile.view", "def f():\n    from harness.stats import proportion", ["harness.stats", "harness.stats.proportion"]),
        ("reports.charts.style", "import numpy as np", []),
        ("reports.run.view", "from harness.reading import comparing", []),
    ],
)  # fmt: skip
def test_what_a_report_may_not_import_is_found(module, text, found):
    assert not_allowed(module, text) == found


def test_a_way_into_another_room_is_found():
    assert neighbours("reports.session.view", "from reports.run.sides import Side") == ["run"]
    assert neighbours("reports.shared.page", "from reports.charts import data") == ["charts"]
    assert neighbours("reports.run.view", "from reports.charts.data import Chart") == []
