"""Resolve the user's arguments to the suite of a project and the chosen micro-benchmarks."""

from pathlib import Path

import scenarios.micro
from harness.micro.places import Places, find_places
from harness.micro.suite import Suite
from harness.policy.policy import Policy
from harness.session.sides.roots import source_roots

OWN = Path(scenarios.micro.__file__).resolve().parent
"""Suite of the asset core, which comes with the harness."""


def find_suite(folder: Path, policy: Policy) -> Suite:
    """Return the suite of the project in `folder`: the one that its policy names, or the one in the usual places.

    Raises `UsageError` for a project without any.
    """
    project = folder.resolve()
    places = find_places(project, policy.suite)
    return Suite(project, places, tuple(_import_path(project, policy, places)), policy.plugins)


def is_own(suite: Suite) -> bool:
    """Return True for the asset core's own suite, which comes with the harness."""
    return suite.root == OWN


def suite_text(suite: Suite) -> str:
    """Return the name of a suite: its place relative to the project."""
    return ", ".join(suite.places.found)


def _import_path(project: Path, policy: Policy, places: Places) -> list[Path]:
    if policy.source_roots:
        # The folder above the whole import name, also for a namespace package, or the named folder itself.
        roots = source_roots(project, policy.source_roots, places.found, policy.target)
        found = [(project / path).resolve().parents[name.count(".")] for name, path in roots.items()]
    else:
        found = [path.resolve() for path in (project / "src", project) if path.is_dir()]
    return list(dict.fromkeys([*found, project / places.root]))
