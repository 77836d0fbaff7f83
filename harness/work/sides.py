"""Resolve the user's arguments to the two sides of a comparison, and to the subjects of each suite."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from harness.errors import UsageError
from harness.model import Scenario
from harness.policy.policy import Policy
from harness.processes.subject import Subject
from harness.serving.server import Server
from harness.session.receipt import Side
from harness.session.sides import git
from harness.session.sides.overlay import build_overlay
from harness.session.sides.prepare import Prepared
from harness.session.sides.served import ServedSide
from harness.session.sides.subjects import Subject as SessionSubject
from harness.session.sides.subjects import TargetSide, TreeSide, parse_tree, working_tree
from harness.target.spec import HTTP, TargetSpec, kind_and_place, parse_spec, with_absolute_files
from harness.work.servers import Backends, Data, data_of
from harness.work.subjects import NOTHING, find_scenario, select
from targets.registry import Entry

DEFAULT_TARGET = "asset-core"
OWN_PACKAGE = "harness"
"""Package that is never taken from a side where a target is driven: the engine is always that of the running tree."""


@dataclasses.dataclass(frozen=True, slots=True)
class Driven:
    """A target that the load and exact suites drive, as the registry describes it."""

    spec: TargetSpec
    entry: Entry
    server: Server | None = None

    @property
    def is_remote(self) -> bool:
        """True if the target is a server: its work is not in the measured process."""
        return self.server is not None or self.has_url

    @property
    def has_url(self) -> bool:
        """True if the target is a server that runs already."""
        return kind_and_place(self.spec.name)[0] == HTTP

    def parameters(self, backends: Mapping[str, str]) -> dict[str, str]:
        """Return the factory's parameters; those that the user wrote into the SPEC win over those of the stores."""
        own = with_absolute_files(self.spec.parameters, self.spec.name)
        return {**(backends if self.entry.needs_servers else {}), **own}


def read_side(text: str, policy: Policy, project: Path, given: Mapping[str, str] = NOTHING) -> SessionSubject:
    """Return the side that `text` names: `git:REV`, `path:CHECKOUT`, `variant:NAME` or `target:SPEC`.

    `given` are parameters of options, for a target whose SPEC lacks them. Raises `UsageError`, which lists the four forms, for anything else.
    """
    tree = parse_tree(text, project)
    if tree is not None:
        return tree
    kind, _, rest = text.partition(":")
    if kind not in {"variant", "target"} or not rest:
        raise UsageError(
            f"'{text}' is not a side to compare",
            remedy="Write git:REVISION, path:CHECKOUT, variant:NAME or target:SPEC, such as git:main or target:known:noop",
        )
    driven = drive_variant(rest, policy) if kind == "variant" else drive(rest, given)
    return target_side(text, driven)


@dataclasses.dataclass(frozen=True, slots=True)
class GatedSides:
    """A checkout and its base; `where_it_left` explains a base other than the named one, or one without a difference."""

    base: TreeSide
    candidate: TreeSide
    where_it_left: str


def gated_sides(project: Path, named: str) -> GatedSides:
    """Return the working tree of `project` and the commit where it left the branch, tag or commit `named`.

    Raises `UsageError` if there is no such commit.
    """
    tip = git.resolve(project, named)
    base = git.merge_base(project, tip, named)
    told = "" if base == tip else f"Base: {base[:12]}, where this checkout left {named} ({tip[:12]})."
    if git.state(project) == base:
        told = f"This checkout is {named} ({base[:12]}) itself, without changes: name an earlier commit with --base."
    return GatedSides(
        TreeSide(f"git:{base}", project, base, f"{named} ({base[:12]})"), working_tree(project), told
    )


def target_side(spec: str, driven: Driven) -> TargetSide:
    """Return the side of a target as the micro suite measures it: on stores in memory without delay."""
    return TargetSide(spec, driven.entry.factory, driven.parameters(driven.entry.in_memory))


def drive(spec: str, given: Mapping[str, str] = NOTHING) -> Driven:
    """Return the target of a SPEC, with the parameters of options that it lacks. Raises `UsageError` with the nearest names."""
    selection = select(spec, find_scenario("steady"), (), given)
    return Driven(selection.spec, selection.entry, selection.server)


def drive_variant(name: str, policy: Policy) -> Driven:
    """Return the policy's target, or by default the core, in one of its variants."""
    spec = parse_spec(policy.target or DEFAULT_TARGET)
    scenario = find_scenario("steady")
    selection = select(spec.text, scenario, (name,))
    return Driven(TargetSpec(spec.name, selection.parameters(name)), selection.entry)


def driven_sides(
    base: str, candidate: str, policy: Policy, given: Mapping[str, str] = NOTHING
) -> dict[Side, Driven] | None:
    """Return the target of each side for the load and exact suites; None if the policy names no target for sides of code."""
    found = {}
    for side, text in ((Side.BASE, base), (Side.CANDIDATE, candidate)):
        kind, _, rest = text.partition(":")
        if kind == "variant":
            found[side] = drive_variant(rest, policy)
        elif kind == "target":
            found[side] = drive(rest, given)
        elif policy.target is None:
            return None
        else:
            found[side] = drive(policy.target, given)
    return found


def load_scenario(name: str | None, policy: Policy, driven: Mapping[Side, Driven]) -> Scenario:
    """Return the scenario of the load suite: the one named, the policy's, or a general one."""
    wanted = name or policy.scenario
    if wanted is None:
        wanted = "asset-read" if driven[Side.CANDIDATE].spec.name == DEFAULT_TARGET else "steady"
    return find_scenario(wanted)


def served_data(driven: Mapping[Side, Driven]) -> Data:
    """Return the data for filling the servers, as required by every side that uses them.

    Raises `UsageError` if the sides require different data: both are measured on the same servers.
    """
    asked = {side: data_of(one.spec) for side, one in driven.items() if one.entry.needs_servers}
    if len(set(asked.values())) > 1:
        raise UsageError(
            "The sides ask for different data but share the servers: "
            + "; ".join(f"{side} {data}" for side, data in asked.items()),
            remedy="Write the same data= and seed= into both, or give --backends memory",
        )
    return next(iter(asked.values()), Data())


def overlays(prepared: Prepared, folder: Path) -> Mapping[Side, Path | None]:
    """Return a folder for each side with its source roots but without our own package; None for targets of ours."""
    if not prepared.roots:
        return dict.fromkeys(Side, None)
    roots = {name: place for name, place in prepared.roots.items() if name != OWN_PACKAGE}
    places: dict[Side, Path | None] = {}
    for side in Side:
        place = folder / f"driven-{side[0]}"
        build_overlay(prepared.trees[side], roots, place, prepared.around.get(side))
        places[side] = place
    return places


def counted_subjects(
    driven: Mapping[Side, Driven], places: Mapping[Side, Path | None]
) -> dict[Side, Subject]:
    """Return the subjects of the counting processes: equal requests do equal work."""
    return {
        side: Subject(one.entry.factory, one.parameters(one.entry.exact), {}, places[side])
        for side, one in driven.items()
    }


def loaded_subjects(
    driven: Mapping[Side, Driven],
    places: Mapping[Side, Path | None],
    backends: Backends,
    served: Mapping[Side, ServedSide],
) -> dict[Side, Subject]:
    """Return the subjects of the loaded processes, on `backends`; a server is started in the place of its side."""
    return {
        side: Subject(
            one.entry.factory, one.parameters(backends.parameters), backends.environment, places[side],
            server=one.server and dataclasses.replace(one.server, place=served[side].place),
        )
        for side, one in driven.items()
    }  # fmt: skip
