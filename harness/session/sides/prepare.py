"""Prepare the slots of two sides: trees, overlays, environments, and the candidate's benchmarks for both."""

import contextlib
import dataclasses
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

import harness
from harness.errors import HarnessError, UsageError
from harness.micro.places import Places, find_places
from harness.micro.pytest_options import import_folder
from harness.policy.policy import Policy
from harness.session.receipt import MeasuredRoot, Side, SubjectFacts
from harness.session.sides import git, overlay
from harness.session.sides.checkout import check_out, fill_submodules, require_complete
from harness.session.sides.installed import installed_copies
from harness.session.sides.lockfiles import digest, make_environment
from harness.session.sides.measured import built_elsewhere, measured_roots, refuse_uneven_builds
from harness.session.sides.roots import NO_SOURCE, missing, source_roots
from harness.session.sides.subjects import Subject, TargetSide, TreeSide
from harness.session.sides.suite_copy import build_mirror, copy_suite
from harness.session.slots.block import NULL
from harness.session.slots.launch import INI, Bench, Home
from harness.supervise import Supervisor, private_folder

TARGET_SUITE = Path(__file__).with_name("target_suite.py")
TARGET_VARIABLE = "HARNESS_SLOT_TARGET"


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """The files and environments of a session, for as long as it lasts.

    In `swapped` the overlays of base and candidate have changed places; blocks use `homes` and `swapped` in turn.
    `base_bench` is the base's own suite, to find removed benchmarks. `trees` are the projects' folders, `roots` the
    measured paths in them, `{import name: path in the project}`; empty for targets.
    """

    folder: Path
    bench: Bench
    base_bench: Bench | None
    homes: Mapping[str, Home]
    swapped: Mapping[str, Home]
    facts: Mapping[Side, SubjectFacts]
    trees: Mapping[Side, Path]
    roots: Mapping[str, str] = dataclasses.field(default_factory=dict)
    around: Mapping[Side, overlay.Surroundings] = dataclasses.field(default_factory=dict)
    measured: tuple[MeasuredRoot, ...] = ()
    notes: tuple[str, ...] = ()
    """Notes on the sides that invalidate nothing."""

    def facts_with_code(self, side: Side) -> SubjectFacts:
        """Return the facts of a side with the digest of its measured files; targets have none."""
        if not self.roots:
            return self.facts[side]
        suite = [self.bench.folder] if side is Side.CANDIDATE and self.bench.folder.is_dir() else []
        code = overlay.digest([self.homes[side].overlay, *suite])
        return msgspec.structs.replace(self.facts[side], code_sha256=code)


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
    """Yield the prepared session; checkouts, overlays and environments are removed afterwards.

    `with_suite` of False prepares no micro-benchmarks, and the sides need none.

    Raises UsageError for errors that the caller can correct (no such revision, no suite, sides of different kinds).
    """
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(private_folder())
        if isinstance(base, TargetSide) and isinstance(candidate, TargetSide):
            yield _targets(base, candidate, folder)
        elif isinstance(base, TreeSide) and isinstance(candidate, TreeSide):
            sides = {Side.BASE: base, Side.CANDIDATE: candidate}
            with _disk_trouble_named(folder):
                trees = {
                    side: _tree(subject, folder / "trees" / letter, policy)
                    for (side, subject), letter in zip(sides.items(), "ab", strict=True)
                }
            for tree in trees.values():
                require_complete(tree, _named(policy))
            suite = find_places(trees[Side.CANDIDATE], policy.suite) if with_suite else None
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
    """Return the folder of a side's files: the given folder, or our own checkout of the revision."""
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
    fill_submodules(subject.project, project, _named(policy) if policy.source_roots else [""])
    return project.resolve()


def _named(policy: Policy) -> list[str]:
    globs = frozenset("*?[")
    return [*policy.source_roots, *(place for place in policy.named_suite if globs.isdisjoint(place))]


@dataclasses.dataclass(frozen=True, slots=True)
class _Pip:
    supervisor: Supervisor
    log: Path


def _trees(
    sides: Mapping[Side, TreeSide],
    trees: Mapping[Side, Path],
    policy: Policy,
    suite: Places | None,
    folder: Path,
    pip: _Pip,
) -> Prepared:
    candidate = trees[Side.CANDIDATE]
    roots = _roots(trees, policy, suite)
    for tree in trees.values():
        require_complete(tree, [*roots.values(), *(suite.found if suite else ())])
    measured = measured_roots(roots, trees)
    refuse_uneven_builds(measured, trees)
    pythons, locks = _environments(trees, policy, folder, pip)
    around = {
        side: _surroundings(sides, trees, side, roots, suite, folder, pythons.get(side, sys.executable))
        for side in Side
    }
    places = {
        "1": {Side.BASE: "a", Side.CANDIDATE: "b", NULL: "c"},
        "2": {Side.BASE: "b", Side.CANDIDATE: "a", NULL: "c"},
    }

    benches = _Benches(folder, policy, roots)

    def home(name: str, place: Path) -> Home:
        side = _side(name)
        overlay.build_overlay(trees[side], roots, place, around[side])
        return Home(name, place, tuple(roots), trees[side], pythons.get(side, sys.executable))

    homes = {
        number: {str(name): home(str(name), folder / f"{number}{letter}") for name, letter in letters.items()}
        for number, letters in places.items()
    }
    overlay.refuse_shared(homes["1"][Side.BASE].overlay, homes["1"][Side.CANDIDATE].overlay, trees.values())
    base_suite = _suite_of(trees[Side.BASE], policy) if suite else None
    return Prepared(
        folder=folder,
        bench=benches.make(candidate, suite, "bench", [*homes["1"].values(), *homes["2"].values()]),
        base_bench=benches.make(trees[Side.BASE], base_suite, "prev", [homes["1"][Side.BASE]])
        if base_suite
        else None,
        homes=homes["1"],
        swapped=homes["2"],
        facts={side: _facts(subject, trees[side], locks.get(side)) for side, subject in sides.items()},
        trees=trees,
        roots=roots,
        around=around,
        measured=measured,
        notes=built_elsewhere(
            roots, measured, [one.project for one in sides.values()], around[Side.CANDIDATE].copies
        ),
    )


def _surroundings(
    sides: Mapping[Side, TreeSide],
    trees: Mapping[Side, Path],
    side: Side,
    roots: Mapping[str, str],
    suite: Places | None,
    folder: Path,
    python: str,
) -> overlay.Surroundings:
    """Return the places that a side must not import code from: other checkouts, and installed copies of it."""
    checkouts = dict.fromkeys([*(one.project.resolve() for one in sides.values()), *trees.values()])
    tops = {*NO_SOURCE, *(Path(place).parts[0] for place in (suite.found if suite else ()) if place != ".")}
    return overlay.Surroundings(
        elsewhere=tuple(str(place) for place in checkouts if place != trees[side]),
        beside=(
            str(folder),
            *(str(place / top) for place in checkouts for top in tops if (place / top).is_dir()),
        ),
        copies=tuple(installed_copies(roots, python)),
    )


def _side(name: str) -> Side:
    return Side.BASE if name == NULL else Side(name)


def _suite_of(project: Path, policy: Policy) -> Places | None:
    """Return the suite of the base, which may have none."""
    with contextlib.suppress(UsageError):
        return find_places(project, policy.suite)
    return None


def _roots(trees: Mapping[Side, Path], policy: Policy, suite: Places | None) -> dict[str, str]:
    """Return {import name: path in the project} of the roots of either side; the candidate decides on names."""
    by_path: dict[str, str] = {}
    for side in (Side.BASE, Side.CANDIDATE):
        found = source_roots(trees[side], policy.source_roots, suite.found if suite else (), policy.target)
        by_path |= {path: name for name, path in found.items()}
    candidate = trees[Side.CANDIDATE]
    absent = missing(policy.source_roots, by_path)
    if absent or not any((candidate / path).exists() for path in by_path):
        raise UsageError(
            "There is no source root: " + (", ".join(absent or by_path) or "no package at the top, no src/"),
            where=str(candidate),
            remedy='Name the measured packages in pyproject.toml: [tool.harness] source-roots = ["package"]',
        )
    return {name: path for path, name in by_path.items()}


@dataclasses.dataclass(frozen=True, slots=True)
class _Benches:
    folder: Path
    policy: Policy
    roots: Mapping[str, str]

    def make(self, project: Path, suite: Places | None, name: str, homes: Sequence[Home]) -> Bench:
        """Return the suite of a project, shown to these sides."""
        folder = self.folder / name
        if suite is None:
            return Bench(folder, folder)
        places = copy_suite(project, suite, self.roots.values(), folder)
        (folder / INI).write_text("[pytest]\n", "utf-8")
        mirrors = {home.overlay: self.folder / f"{name}-{home.overlay.name}" for home in homes}
        for home in homes:
            assert home.tree is not None  # noqa: S101 - these are sides of code
            build_mirror(home.tree, folder, self.roots, home.overlay, mirrors[home.overlay])
        first = folder / places.found[0]
        folders = tuple(dict.fromkeys((import_folder(first), folder)))
        return Bench(
            folder, folder / places.root, places.prefix, folders, self.policy.plugins,
            places=places, mirrors=mirrors,
        )  # fmt: skip


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
    # Our checkout lacks the project's filters, so git would report its files as changed.
    revision = git.resolve(subject.project, subject.revision) if subject.revision else git.state(tree)
    return SubjectFacts(spec=subject.spec, label=subject.label, revision=revision, environment_lock=lock)


def _targets(base: TargetSide, candidate: TargetSide, folder: Path) -> Prepared:
    bench = folder / "bench"
    bench.mkdir()
    (bench / INI).write_text("[pytest]\n", "utf-8")
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
