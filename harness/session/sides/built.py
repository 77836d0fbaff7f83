"""Prepare the sides of a session as `prepare` does, each built first where the policy has a command for that.

A built side is a copy of its files in which the packages and modules of its build stand in the place of their sources. The
suite, its helpers and its data are those of the copy.
"""

import contextlib
import dataclasses
import functools
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from harness.errors import HarnessError, UsageError
from harness.micro.places import find_places
from harness.policy.build import Build
from harness.policy.policy import Policy
from harness.session.receipt import Receipt, Side, SubjectFacts
from harness.session.sides import git, sources
from harness.session.sides.builds import Builder
from harness.session.sides.checkout import require_complete
from harness.session.sides.installed import installed_from
from harness.session.sides.measured import BUILD_BOTH
from harness.session.sides.overlay import Surroundings, build_overlay, write_manifest
from harness.session.sides.prepare import Prepared, prepare
from harness.session.sides.roots import NO_SOURCE, Built, leaves, read_built, source_roots, write_built
from harness.session.sides.served import prepare_served
from harness.session.sides.subjects import Subject, TreeSide
from harness.session.slots.block import NULL
from harness.supervise import Supervisor, private_folder

_METADATA = ".harness-metadata"
_MOST_ASKED = 500
"""Largest number of files that git is asked about at once."""
_NO_PACKAGES = frozenset({"bin", "include", "share", "etc"})
"""Folders that installing makes beside the packages."""


@dataclasses.dataclass(frozen=True, slots=True)
class BuiltSides(Prepared):
    """Prepared sides of which each was built; the digest of their code covers every file that the build could read."""

    def facts_with_code(self, side: Side) -> SubjectFacts:
        """Return the facts of a side with the digest of its files."""
        return self.facts[side]


@contextlib.contextmanager
def prepare_sides(  # noqa: PLR0913 - the contract of `prepare`, and what is built and served
    base: Subject,
    candidate: Subject,
    policy: Policy,
    supervisor: Supervisor,
    log: Path,
    *,
    builder: Builder | None = None,
    with_suite: bool = True,
    is_served: bool = False,
) -> Iterator[Prepared]:
    """Yield the prepared session; what was made for it is removed afterwards, but for the results of builds.

    `is_served` is True for sides whose servers the harness starts. Raises as `prepare`, and `HarnessError` for a build that fails.
    """
    preparing = functools.partial(prepare_served if is_served else prepare, with_suite=with_suite)
    if not (isinstance(base, TreeSide) and isinstance(candidate, TreeSide)):
        with preparing(base, candidate, policy, supervisor, log) as prepared:
            yield prepared
        return
    sides = {Side.BASE: base, Side.CANDIDATE: candidate}
    # A server's side proves by itself that it runs its own code.
    closed = (lambda prepared, _: prepared) if is_served else _closed
    if builder is None:
        with preparing(base, candidate, policy, supervisor, log) as prepared:
            notes = (*prepared.notes, *_generated(prepared, candidate))
            yield closed(dataclasses.replace(prepared, notes=notes), sides)
        return
    _refuse_checkouts_in(builder.build, sides)
    with private_folder() as folder:
        shown, facts = _built(sides, policy, builder, folder, with_suite=with_suite)
        with preparing(shown[Side.BASE], shown[Side.CANDIDATE], policy, supervisor, log) as prepared:
            yield _with_facts(closed(prepared, sides), facts)


def note_build(receipt: Receipt, prepared: Prepared, build: Build | None) -> None:
    """Note in a receipt how its sides were built, if they were."""
    if build is not None and isinstance(prepared, BuiltSides):
        # A built side is no checkout, whose commit could be asked for.
        receipt.environment["commit"] = receipt.candidate.revision
        receipt.notes.append(f"Each side was built first: {build.command}")


@contextlib.contextmanager
def built_overlay(side: TreeSide, policy: Policy, builder: Builder) -> Iterator[Path]:
    """Yield a folder that shows what was built of one side, for a process that measures it alone."""
    with private_folder() as folder:
        shown, _ = _built({Side.CANDIDATE: side}, policy, builder, folder, with_suite=True)
        tree, overlay = shown[Side.CANDIDATE].project, folder / "overlay"
        made = read_built(tree)
        build_overlay(tree, made.roots if made else {}, overlay)
        yield overlay


def _built(
    sides: Mapping[Side, TreeSide], policy: Policy, builder: Builder, folder: Path, *, with_suite: bool
) -> tuple[dict[Side, TreeSide], dict[Side, dict[str, str | None]]]:
    """Build both sides into `folder`; return them as folders, and the facts that a folder does not tell."""
    shown, facts = {}, {}
    try:
        copies = {
            side: _copy(one, folder / letter, policy.source_roots)
            for (side, one), letter in zip(sides.items(), "ab", strict=False)
        }
        # Before the builds: a project without a suite is told so at once.
        candidate = copies[Side.CANDIDATE][0]
        suite = find_places(candidate, policy.suite).found if with_suite else ()
        results = {}
        for side, (project, top) in copies.items():
            require_complete(project, policy.source_roots)
            results[side] = folder / f"built-{side[0]}"
            what = f"the {side} '{sides[side].label}'" if len(sides) > 1 else sides[side].label
            builder.into(results[side], what, project, top)
            facts[side] = _facts(sides[side], sources.digest(top))
        places = _places(candidate, results, policy, suite)
        for side, (project, top) in copies.items():
            shutil.rmtree(top / ".git", ignore_errors=True)
            _put(results[side], project, places, suite)
            shown[side] = TreeSide(sides[side].spec, project.resolve(), title=sides[side].label)
    except OSError as error:
        raise HarnessError(
            f"The session's folder cannot be filled: {error}",
            where=str(folder),
            remedy="Free some disk, or name another place in TMPDIR",
        ) from error
    return shown, facts


def _copy(side: TreeSide, folder: Path, named: Sequence[str]) -> tuple[Path, Path]:
    if side.revision is None:
        require_complete(side.project, named)
    return sources.copy_sources(side, folder), folder


def _refuse_checkouts_in(build: Build, sides: Mapping[Side, TreeSide]) -> None:
    for one in sides.values():
        if str(one.project) in build.command:
            raise UsageError(
                f"The build command names the checkout {one.project}, and would build the same code for both sides",
                remedy="Write {tree} there: it is a copy of each side's files",
            )


def _places(
    candidate: Path, results: Mapping[Side, Path], policy: Policy, suite: Sequence[str]
) -> dict[str, Path]:
    """Return {import name: path in the project} of what either build made: where its source is, or else as it is imported.

    Packages of tests that are installed too stay what they are: parts of the suite.
    """
    own = source_roots(candidate, policy.source_roots, suite, policy.target)
    not_measured = {*_NO_PACKAGES, *NO_SOURCE, *suite}
    found: dict[str, Path] = {}
    for side, result in results.items():
        _refuse_dependencies(result, side)
        made = {
            name: leaf
            for name, leaf in leaves(result).items()
            if name in own or leaf.parts[0] not in not_measured
        }
        if not made:
            raise UsageError(
                f"The build of the {side} made no package and no module that Python can import",
                remedy="Let the command install into {overlay}, not editable, as `pip install --no-deps --target {overlay} {tree}` does",
            )
        found |= {name: Path(own.get(name, leaf)) for name, leaf in made.items()}
    _require_named(own, found, policy.source_roots)
    return found


def _require_named(own: Mapping[str, str], found: Mapping[str, Path], named: Sequence[str]) -> None:
    for place in named:
        inside = [name for name, path in own.items() if Path(path).is_relative_to(place)]
        if inside and found.keys().isdisjoint(inside):
            raise UsageError(
                f"The build made no '{inside[0]}', which source-roots names: it made {', '.join(sorted(found)[:3])}",
                remedy="Correct `build` or `source-roots` of [tool.harness]",
            )


def _refuse_dependencies(result: Path, side: Side) -> None:
    """Raise `UsageError` for packages that came from an index: they would be measured as the project's own."""
    for place in sorted(result.glob("*.dist-info")):
        if (place / "RECORD").exists() and not (place / "direct_url.json").exists():
            raise UsageError(
                f"The build of the {side} installed another project too: {place.name.partition('-')[0]}",
                remedy="Add --no-deps to the command; both sides use the packages of the harness's environment",
            )


def _put(result: Path, project: Path, places: Mapping[str, Path], suite: Sequence[str]) -> None:
    """Put the packages and modules of a build in the place of their sources; a suite among those stays."""
    made, aside = leaves(result), result.with_name(f"{result.name}-sources")
    roots = {}
    for name, path in places.items():
        if (project / path).exists():
            (aside / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).rename(aside / path)
        if name in made:
            destination = path if (result / made[name]).is_dir() else path.with_name(made[name].name)
            (project / destination).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(result / made[name], project / destination)
            roots[name] = str(destination)
    for place in map(Path, suite):
        # With the folders around it that were not installed: it may be a part of a package of tests.
        top = next((one for one in (*reversed(place.parents), place) if not (project / one).exists()), None)
        if top is not None and (aside / top).exists():
            (project / top).parent.mkdir(parents=True, exist_ok=True)
            (aside / top).rename(project / top)
    metadata = []
    for place in sorted(result.glob("*.dist-info")):
        metadata.append(f"{_METADATA}/{place.name}")
        shutil.copytree(place, project / metadata[-1])
    write_built(project, Built(roots, metadata))


def _facts(side: TreeSide, code_sha256: str) -> dict[str, str | None]:
    revision = git.resolve(side.project, side.revision) if side.revision else git.state(side.project)
    return {"revision": revision, "code_sha256": code_sha256}


def _with_facts(prepared: Prepared, known: Mapping[Side, Mapping[str, str | None]]) -> BuiltSides:
    facts = {side: msgspec.structs.replace(prepared.facts[side], **known[side]) for side in Side}
    fields = {field.name: getattr(prepared, field.name) for field in dataclasses.fields(prepared)}
    return BuiltSides(**{**fields, "facts": facts})


def _generated(prepared: Prepared, candidate: TreeSide) -> Iterator[str]:
    """Yield a note on modules that an installed copy has and neither side, if git ignores them: a build would make them."""
    lacking = []
    for name, path in prepared.roots.items():
        inside = f"/{name.replace('.', '/')}/"
        for copy in prepared.around[Side.CANDIDATE].copies:
            _, is_inside, rest = copy.rpartition(inside)
            if is_inside and not any((tree / path / rest).exists() for tree in prepared.trees.values()):
                lacking.append(f"{path}/{rest}")
    if lacking and (
        ignored := git.run(candidate.project, "check-ignore", "--", *lacking[:_MOST_ASKED]).stdout
    ):
        names = ", ".join(ignored.splitlines()[:3])
        yield f"Both sides lack {names}, which an installed copy has and git ignores. If a build makes it: {BUILD_BOTH}"


def _closed(prepared: Prepared, sides: Mapping[Side, TreeSide]) -> Prepared:
    """Close the sides to all other code of the project: that in the user's checkouts, and what was installed from there."""
    checkouts = [str(place) for place in dict.fromkeys(one.project.resolve() for one in sides.values())]
    trees = {str(tree) for tree in prepared.trees.values()}
    around = {}
    for side, one in prepared.around.items():
        tops = {Path(place).name for place in one.beside if str(Path(place).parent) in trees} | NO_SOURCE
        around[side] = Surroundings(
            elsewhere=_all(one.elsewhere, (place for place in checkouts if place not in trees)),
            beside=_all(one.beside, (str(Path(place, top)) for place in checkouts for top in sorted(tops))),
            copies=_all(one.copies, installed_from(checkouts, prepared.homes[side].python)),
        )
    for homes in (prepared.homes, prepared.swapped):
        for name, home in homes.items():
            side = Side.BASE if name == NULL else Side(name)
            write_manifest(home.overlay, home.roots, prepared.trees[side], around[side])
    return dataclasses.replace(prepared, around=around)


def _all(known: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))
