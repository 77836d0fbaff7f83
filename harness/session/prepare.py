"""From two subjects to what slots need: trees, overlays, environments, and the candidate's benchmarks for both."""

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

import harness
from harness.errors import HarnessError, UsageError
from harness.policy import Policy
from harness.session import git, overlay
from harness.session.block import NULL
from harness.session.checkout import check_out, fill_submodules, require_complete
from harness.session.launch import INI, Bench, Home
from harness.session.lockfiles import digest, make_environment
from harness.session.receipt import Side, SubjectFacts
from harness.session.subjects import Subject, TargetSide, TreeSide
from harness.supervise import Supervisor, private_folder

TARGET_SUITE = Path(__file__).with_name("target_suite.py")
TARGET_VARIABLE = "HARNESS_SLOT_TARGET"
_INI_TEXT = """[pytest]
python_files = test_*.py *_test.py bench_*.py *_bench.py
python_functions = test bench_*
markers =
    benchmark: options of pytest-benchmark
    named_by: the parameter that names the benchmark
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that a session measures with, for as long as the session lasts.

    `homes` are for screening, `swapped` for confirmation: the overlays of base and candidate have changed places.
    `base_bench` is the base's own suite, to see what was removed. `trees` are the projects' folders, `roots` what is
    measured in them, `{import name: path in the project}`; none for targets.
    """

    folder: Path
    bench: Bench
    base_bench: Bench | None
    homes: Mapping[str, Home]
    swapped: Mapping[str, Home]
    facts: Mapping[Side, SubjectFacts]
    trees: Mapping[Side, Path]
    roots: Mapping[str, str] = dataclasses.field(default_factory=dict)


@contextlib.contextmanager
def prepare(
    base: Subject,
    candidate: Subject,
    policy: Policy,
    supervisor: Supervisor,
    log: Path,
    *,
    with_suite: bool = True,
) -> Iterator[Prepared]:
    """Yield what the session needs; checkouts, overlays and environments are gone afterwards.

    Without the suite, nothing of micro-benchmarks is prepared, and the sides need none.

    Raises UsageError for what the caller can correct (no such revision, no suite, sides of different kinds).
    """
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(private_folder())
        if isinstance(base, TargetSide) and isinstance(candidate, TargetSide):
            yield _targets(base, candidate, folder)
        elif isinstance(base, TreeSide) and isinstance(candidate, TreeSide):
            sides = {Side.BASE: base, Side.CANDIDATE: candidate}
            trees = {
                side: _tree(subject, folder / "trees" / letter, policy)
                for (side, subject), letter in zip(sides.items(), "ab", strict=True)
            }
            suite = overlay.find_suite(trees[Side.CANDIDATE], policy.suite) if with_suite else None
            with _disk_trouble_named(folder):
                made = _trees(sides, trees, policy, suite, folder, _Pip(supervisor, log))
            yield made
        else:
            raise UsageError(
                f"'{base.spec}' and '{candidate.spec}' cannot be compared: one is code, the other a target",
                remedy="Compare two of git: and path:, or two of variant: and target:",
            )


@contextlib.contextmanager
def _disk_trouble_named(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HarnessError(
            f"The session's folder cannot be filled: {error}",
            where=str(folder),
            remedy="Free some disk, or name another place in TMPDIR",
        ) from error


def _tree(subject: TreeSide, folder: Path, policy: Policy) -> Path:
    """Return where a side's files are: the folder as it lies there, or a checkout of the revision of our own."""
    if subject.revision is None:
        return subject.project
    commit = git.resolve(subject.project, subject.revision)
    project = check_out(subject.project, commit, folder)
    if not project.is_dir():
        raise UsageError(
            f"Revision '{subject.revision}' has no folder '{git.prefix(subject.project)}'",
            where=str(subject.project),
            remedy="Name a revision that has this project",
        )
    wanted = (*policy.source_roots, policy.suite) if policy.source_roots and policy.suite else ("",)
    fill_submodules(subject.project, project, wanted)
    return project.resolve()


@dataclasses.dataclass(frozen=True, slots=True)
class _Pip:
    supervisor: Supervisor
    log: Path


def _trees(
    sides: Mapping[Side, TreeSide],
    trees: Mapping[Side, Path],
    policy: Policy,
    suite: str | None,
    folder: Path,
    pip: _Pip,
) -> Prepared:
    candidate = trees[Side.CANDIDATE]
    roots = _roots(trees, policy, suite)
    for tree in trees.values():
        require_complete(tree, [*roots.values(), *([suite] if suite else [])])
    pythons, locks = _environments(trees, policy, folder, pip)
    places = {
        "1": {Side.BASE: "a", Side.CANDIDATE: "b", NULL: "c"},
        "2": {Side.BASE: "b", Side.CANDIDATE: "a", NULL: "c"},
    }
    homes = {
        number: {
            str(name): _home(str(name), trees[_side(name)], roots, folder / f"{number}{letter}", pythons)
            for name, letter in letters.items()
        }
        for number, letters in places.items()
    }
    has_base_suite = suite is not None and (trees[Side.BASE] / suite).exists()
    return Prepared(
        folder=folder,
        bench=_bench(candidate, suite, roots, policy, folder / "bench"),
        base_bench=_bench(trees[Side.BASE], suite, roots, policy, folder / "prev")
        if has_base_suite
        else None,
        homes=homes["1"],
        swapped=homes["2"],
        facts={side: _facts(subject, trees[side], locks.get(side)) for side, subject in sides.items()},
        trees=trees,
        roots=roots,
    )


def _side(name: str) -> Side:
    return Side.BASE if name == NULL else Side(name)


def _roots(trees: Mapping[Side, Path], policy: Policy, suite: str | None) -> dict[str, str]:
    roots: dict[str, str] = {}
    for tree in trees.values():
        roots |= overlay.source_roots(tree, policy.source_roots, suite)
    if not any((trees[Side.CANDIDATE] / path).exists() for path in roots.values()):
        raise UsageError(
            "There is no source root: " + (", ".join(roots.values()) or "no package at the top, no src/"),
            where=str(trees[Side.CANDIDATE]),
            remedy='Name what is measured in pyproject.toml: [tool.harness] source-roots = ["package"]',
        )
    return roots


def _home(name: str, tree: Path, roots: Mapping[str, str], place: Path, pythons: Mapping[Side, str]) -> Home:
    overlay.build_overlay(tree, roots, place)
    home = Home(name, place, tuple(roots), tree)
    python = pythons.get(_side(name))
    return dataclasses.replace(home, python=python) if python else home


def _bench(project: Path, suite: str | None, roots: Mapping[str, str], policy: Policy, folder: Path) -> Bench:
    if suite is None:
        return Bench(folder, folder)
    path = overlay.copy_suite(project, suite, roots.values(), folder)
    (folder / INI).write_text(_INI_TEXT, "utf-8")
    inside = path.relative_to(folder)
    prefix = f"{inside}/" if path.is_dir() else "".join(f"{part}/" for part in inside.parts[:-1])
    folders = tuple(dict.fromkeys((overlay.import_folder(path), folder)))
    return Bench(folder, path, prefix, folders, policy.plugins)


def _environments(
    trees: Mapping[Side, Path], policy: Policy, folder: Path, pip: _Pip
) -> tuple[dict[Side, str], dict[Side, str | None]]:
    """Return interpreters and lock digests; both empty where the running interpreter serves both sides."""
    if policy.lock is None:
        return {}, {}
    digests = {side: digest(tree / policy.lock) for side, tree in trees.items()}
    if None in digests.values() or len(set(digests.values())) == 1:
        return {}, {}
    pythons = {
        side: make_environment(pip.supervisor, tree / policy.lock, folder / "env" / letter, pip.log)
        for (side, tree), letter in zip(trees.items(), "ab", strict=True)
    }
    return pythons, digests


def _facts(subject: TreeSide, tree: Path, lock: str | None) -> SubjectFacts:
    # A revision's checkout is what we made it: filters of the project, unknown in ours, would call it changed.
    revision = git.resolve(subject.project, subject.revision) if subject.revision else git.state(tree)
    return SubjectFacts(spec=subject.spec, label=subject.label, revision=revision, environment_lock=lock)


def _targets(base: TargetSide, candidate: TargetSide, folder: Path) -> Prepared:
    bench = folder / "bench"
    bench.mkdir()
    (bench / INI).write_text(_INI_TEXT, "utf-8")
    suite = Path(shutil.copy2(TARGET_SUITE, bench))
    ours = Path(harness.__file__).resolve().parent.parent
    sides = {Side.BASE: base, Side.CANDIDATE: candidate}
    homes = {str(side): _target_home(str(side), subject, folder) for side, subject in sides.items()}
    homes[NULL] = _target_home(NULL, base, folder)
    return Prepared(
        folder=folder,
        bench=Bench(bench, suite, path=(ours,), cwd=Path.cwd()),
        base_bench=None,
        homes=homes,
        swapped=homes,
        facts={side: SubjectFacts(spec=subject.spec, label=subject.label) for side, subject in sides.items()},
        trees=dict.fromkeys(Side, Path.cwd()),
    )


def _target_home(name: str, subject: TargetSide, folder: Path) -> Home:
    empty = folder / "none"
    empty.mkdir(exist_ok=True)
    what = msgspec.json.encode({"factory": subject.factory, "parameters": dict(subject.parameters)}).decode()
    return Home(
        name,
        empty,
        environment={**subject.environment, TARGET_VARIABLE: what, "PWD": os.environ.get("PWD", "")},
    )
