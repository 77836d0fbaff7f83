"""The sides of a profile-only run: two variants, or the chosen target against a base; without a base, one side alone."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import UsageError
from harness.model import Scenario
from harness.policy.policy import Policy
from harness.processes.subject import Subject
from harness.serving.server import Place, Server
from harness.session.receipt import Side
from harness.session.sides.builds import Builder
from harness.session.sides.built import prepare_sides
from harness.session.sides.served import ServedSide, served_sides
from harness.session.sides.subjects import TreeSide, parse_tree, working_tree
from harness.supervise import Supervisor
from harness.work.preparing import subject_of
from harness.work.servers import Backends
from harness.work.sides import overlays
from harness.work.subjects import NOTHING, Selection, select


@dataclasses.dataclass(frozen=True, slots=True)
class Code:
    """The place of a side's code: the folder to import it from (None: the running tree), and the place of its server."""

    overlay: Path | None = None
    served: ServedSide = dataclasses.field(default_factory=lambda: ServedSide(Place()))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class ProfileSide:
    """One side: a variant of a target, called `label`; `tree` is set for a side with code of its own."""

    label: str
    selection: Selection
    variant: str
    tree: TreeSide | None = None

    @property
    def folder_word(self) -> str:
        """Word in the name of its run directory."""
        return self.variant or self.label

    def subject(self, backends: Backends, code: Code) -> Subject:
        """Return the subject to measure, on `backends`."""
        found = subject_of(self.selection, self.variant, backends)
        server = found.server
        if isinstance(server, Server):
            server = dataclasses.replace(server, place=code.served.place)
        return dataclasses.replace(found, overlay=code.overlay, server=server)


def sides_of(
    target: str | None,
    variants: list[str],
    base: str | None,
    scenario: Scenario,
    policy: Policy,
    project: Path,
    given: Mapping[str, str] = NOTHING,
) -> tuple[ProfileSide, ...]:
    """Return one side or two, the base first.

    `given` are parameters of options. Raises `UsageError` for a request that makes no comparison.
    """
    if base is None:
        selection = select(target, scenario, variants, given)
        if len(selection.variants) > 2:
            raise UsageError(
                f"harness profile takes one or two variants, not {len(selection.variants)}",
                remedy="Profile two at a time",
            )
        return tuple(
            ProfileSide(variant or selection.spec.shown, selection, variant) for variant in selection.variants
        )
    tree = parse_tree(base, project)
    named = target or (policy.target if tree else None)
    chosen = select(named, scenario, variants, given)
    if len(chosen.variants) > 1:
        raise UsageError("--base and two variants make three sides", remedy="Give one --variant, or none")
    (variant,) = chosen.variants
    if tree is not None:
        here = working_tree(project)
        return (
            ProfileSide(tree.label, chosen, variant, tree),
            ProfileSide(here.label, chosen, variant, here),
        )
    return (_other_target(base, scenario, given), ProfileSide(chosen.spec.shown, chosen, variant))


def _other_target(base: str, scenario: Scenario, given: Mapping[str, str]) -> ProfileSide:
    kind, _, spec = base.partition(":")
    if kind != "target" or not spec:
        raise UsageError(
            f"'{base}' is not a base for profiles",
            remedy="Write git:REVISION, path:CHECKOUT or target:SPEC; to compare variants give --variant twice",
        )
    selection = select(spec, scenario, (), given)
    return ProfileSide(selection.spec.shown, selection, selection.variants[0])


@contextlib.contextmanager
def code_of(
    sides: tuple[ProfileSide, ...],
    policy: Policy,
    supervisor: Supervisor,
    log: Path,
    builder: Builder | None,
) -> Iterator[Mapping[ProfileSide, Code]]:
    """Yield the place of each side's code."""
    trees = [side.tree for side in sides]
    if len(sides) < 2 or trees[0] is None or trees[1] is None:
        yield dict.fromkeys(sides, Code())
        return
    with (
        prepare_sides(
            trees[0], trees[1], policy, supervisor, log, builder=builder, with_suite=False,
            is_served=bool(sides[1].selection.server),
        ) as prepared,
        tempfile.TemporaryDirectory(dir=prepared.folder) as scratch,
    ):  # fmt: skip
        places = overlays(prepared, Path(scratch))
        served = served_sides(prepared, places, Path(scratch))
        yield {side: Code(places[name], served[name]) for side, name in zip(sides, Side, strict=True)}
