"""Resolve the user's arguments to scenario, target and variants."""

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.errors import UsageError
from harness.judge import policy_file
from harness.model import Engine, Scenario
from harness.requests.reading import holds_requests, learn_secrets_in
from harness.serving.server import Server
from harness.target.spec import (
    ENGINE,
    HTTP,
    REQUESTS,
    SERVE,
    VALUES,
    TargetSpec,
    kind_and_place,
    parse_spec,
    with_absolute_files,
)
from harness.work.configured import configured_server
from harness.work.own_scenario import own_scenario
from scenarios.catalogue import SCENARIOS
from targets.installed import require_core
from targets.registry import TARGETS, Entry

DEFAULT_TARGET = "known:constant"
NOTHING: Mapping[str, str] = {}
_ASKED_BY_HTTP = {"wsgi", "asgi", HTTP, SERVE}


@dataclasses.dataclass(frozen=True, slots=True)
class Selection:
    """A target of the registry, or a user's own factory, with the variants to measure."""

    spec: TargetSpec
    entry: Entry
    variants: tuple[str, ...]
    remark: str = ""
    """Sentence on a target that only the project names; empty for one that the user or the scenario named."""
    server: Server | None = None
    """The server to start for the target `serve:NAME`."""

    def parameters(self, variant: str) -> dict[str, str]:
        """Return the factory's parameters for one variant."""
        return {
            **with_absolute_files(self.spec.parameters, self.spec.name),
            **({"variant": variant} if variant else {}),
        }


def find_scenario(name: str) -> Scenario:
    """Return a scenario by name, or the user's own by its place. Raises `UsageError` with the nearest names."""
    if ":" in name:
        return own_scenario(name)
    if name not in SCENARIOS:
        raise UsageError(
            f"There is no scenario '{name}'",
            remedy=f"{_nearest(name, SCENARIOS)} Name your own scenario as path/to/file.py:NAME or package.module:NAME",
        )
    return SCENARIOS[name]


def select(
    spec_text: str | None, scenario: Scenario, variants: Iterable[str], given: Mapping[str, str] = NOTHING
) -> Selection:
    """Return the target to measure: the one named, or else the scenario's, or else the project's.

    It has the scenario's own parameters for it. `given` are parameters of options; those of a SPEC that the user
    names win over them, and they over the project's.
    """
    project = "" if spec_text or scenario.target else policy_file.target(Path.cwd())
    spec = parse_spec(spec_text or scenario.target or project or DEFAULT_TARGET)
    own = parse_spec(scenario.target or DEFAULT_TARGET)
    if own.name == spec.name:
        spec = TargetSpec(spec.name, {**own.parameters, **spec.parameters})
    entry = TARGETS.get(spec.name)
    if entry is None:
        if not spec.is_factory:
            raise UsageError(
                f"There is no target '{spec.name}'",
                remedy=f"{_nearest(spec.name, TARGETS)} "
                "Name your own target as path/to/file.py:factory or package.module:factory, a function as call:PLACE, "
                "an application as wsgi:PLACE or asgi:PLACE, a server as http://HOST:PORT",
            )
        entry = Entry(spec.name, "a target of the user's own")
        spec = _with_project(spec, given, named_by_project=bool(project))
    else:
        if entry.needs_servers:
            require_core(f"The target '{spec.name}'")
        spec = TargetSpec(
            spec.name, {**spec.parameters, **given} if project else {**given, **spec.parameters}
        )
        if entry.asyncio and spec.parameters.get(ENGINE) == Engine.ASYNCIO:
            entry = dataclasses.replace(entry, factory=entry.asyncio)
    remark = f"Target: {spec.shown}, as [tool.harness] in pyproject.toml names it." if project else ""
    chosen = _variants(spec, entry, tuple(dict.fromkeys(variants)))
    return Selection(spec, entry, chosen, remark, configured_server(spec.name))


def _with_project(spec: TargetSpec, given: Mapping[str, str], *, named_by_project: bool) -> TargetSpec:
    """Return the SPEC of a target of the user's own with the parameters of options, and their project's for such targets."""
    project, own = policy_file.parameters(Path.cwd()), {**given, **spec.parameters}
    if named_by_project:
        # The SPEC is the project's as well: options win over its parameters.
        project, own = {**project, **spec.parameters}, dict(given)
    # A factory makes its own events, and the project's values are for the placeholders of the project's requests.
    if REQUESTS in own or not _suit(spec.name, policy_file.target(Path.cwd())):
        project = {name: value for name, value in project.items() if name not in {REQUESTS, VALUES}}
    found = TargetSpec(spec.name, {**project, **own})
    if requests := found.parameters.get(REQUESTS):
        learn_secrets_in(Path(requests))
    return found


def _suit(name: str, target: str) -> bool:
    """Return True if the requests of a project are for the target called `name`; `target` is the project's, if it has one."""
    kind = kind_and_place(name)[0]
    theirs = kind_and_place(parse_spec(target).name)[0] if target else kind
    return bool(kind) and (kind == theirs or {kind, theirs} <= _ASKED_BY_HTTP)


def with_replayed(selection: Selection, replayed: Path | None) -> Selection:
    """Return the selection with the requests of a replayed recording, for an application or a server that was given none."""
    spec = selection.spec
    asks = kind_and_place(spec.name)[0] in _ASKED_BY_HTTP and REQUESTS not in spec.parameters
    if replayed is None or not asks or not holds_requests(replayed):
        return selection
    return dataclasses.replace(
        selection, spec=TargetSpec(spec.name, {**spec.parameters, REQUESTS: str(replayed)})
    )


def refuse_profiles(selection: Selection, what: str) -> None:
    """Raise `UsageError` for profiles (`what`) of a server with a URL: they would be of the harness's own client."""
    if kind_and_place(selection.spec.name)[0] == HTTP:
        raise UsageError(
            f"{what} would show the harness's own HTTP client: the server is a process of somebody else",
            remedy="Let the harness start it (--serve), or profile its application in-process, as wsgi:PLACE or asgi:PLACE",
        )


def _variants(spec: TargetSpec, entry: Entry, wanted: tuple[str, ...]) -> tuple[str, ...]:
    if "variant" in spec.parameters:
        if wanted:
            raise UsageError(
                f"Target '{spec.shown}' names a variant, and --variant names another",
                remedy="Name it once",
            )
        wanted = (spec.parameters["variant"],)
    known = spec.name in TARGETS
    for variant in wanted:
        # A target of the user's own may know any variant, so the variant is passed as a parameter.
        if known and variant not in entry.variants:
            offered = (
                f"Choose from: {', '.join(entry.variants)}"
                if entry.variants
                else "The target has no variants"
            )
            raise UsageError(f"Target '{spec.name}' has no variant '{variant}'", remedy=offered)
    return wanted or entry.variants[:1] or ("",)


def _nearest(name: str, names: Iterable[str]) -> str:
    names = list(names)
    close = difflib.get_close_matches(name, names, 3, 0.5)
    return f"Did you mean {' or '.join(close)}?" if close else f"Choose from: {', '.join(names)}."
