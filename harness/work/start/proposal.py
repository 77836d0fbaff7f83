"""Propose a target, its requests, the source roots and the suite of a project."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.session.sides.roots import source_roots
from harness.work.start.applications import LAMBDA, Application, find_applications
from harness.work.start.built import needs_build
from harness.work.start.django_urls import find_django_routes
from harness.work.start.modules import Module, is_test, read_modules
from harness.work.start.place import has_own_root, place_of
from harness.work.start.requests import EVENTS, REQUESTS, event_files, request_lines
from harness.work.start.routes import Route, find_routes
from harness.work.start.suites import find_locustfile, find_suite
from harness.work.start.template import LambdaFunction, find_functions

_HOME = Route("GET", "/")
_HARMLESS = ("GET", "HEAD", "OPTIONS")


@dataclasses.dataclass(frozen=True, slots=True)
class Proposal:
    """The settings to start from, and what they come from."""

    target: str = ""
    """SPEC without its requests."""
    what: str = ""
    """The target in words: `Flask application`."""
    package: str = ""
    """Package that the target needs to be importable; empty if it needs none that is known."""
    others: tuple[str, ...] = ()
    """SPECs of the other candidates."""
    requests: str = ""
    """File or folder of the target's requests or events."""
    new_files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Text of the requests or events to write, by path: one for each route that answers GET."""
    count: int = 0
    """Number of these requests or events."""
    needs_events: bool = False
    """True for a handler that has no event yet."""
    left_out: tuple[str, ...] = ()
    """Operations that may change data."""
    unreadable: int = 0
    """Number of routes whose path the code computes."""
    source_roots: tuple[str, ...] = ()
    suite: str = ""
    needs_build: bool = False
    """True for a project whose code is compiled or generated in part."""
    locustfile: str = ""

    @property
    def spec(self) -> str:
        """Return the SPEC with its requests."""
        return f"{self.target}?requests={self.requests}" if self.target else ""


def propose(project: Path) -> Proposal:
    """Return what the files of a project suggest. Raises `UsageError` if there is nothing that could be measured."""
    modules = read_modules(project)
    suite, locustfile = find_suite(modules), find_locustfile(modules)
    around = Proposal(suite=str(suite or ""), locustfile=str(locustfile or ""))
    applications = find_applications(modules)
    usable = [
        application
        for application in applications
        if not application.needs and not _stands_apart(application)
    ]
    functions = find_functions(project)
    if functions:
        made = _of_functions(project, functions, usable, modules, around)
    elif usable:
        made = _of_application(project, usable, modules, around)
    elif suite is not None:
        made = around
    else:
        raise _nothing(applications, around)
    has_events = made.new_files or any((project / made.requests).glob("*.json"))
    is_handler = made.target.startswith(f"{LAMBDA}:")
    roots = _roots(project, made, modules)
    return dataclasses.replace(
        made,
        source_roots=roots,
        needs_build=needs_build(project, roots),
        needs_events=is_handler and not has_events,
    )


def _stands_apart(application: Application) -> bool:
    module = application.module
    is_nested = application.framework == "Django" and len(module.path.parts) > 2 and module.root == Path()
    return has_own_root(module) or is_nested


def _nothing(applications: Sequence[Application], around: Proposal) -> UsageError:
    for application in applications:
        if application.needs:
            return UsageError(
                f"The application is made by {application.dotted}, which needs {', '.join(application.needs)}",
                where=str(application.module.path),
                remedy="Write a file with a line such as 'app = "
                f"{application.name}(…)', and run 'harness init' again",
            )
        folder = (
            application.module.root
            if has_own_root(application.module)
            else application.module.path.parent.parent
        )
        return UsageError(
            f"The {application.framework} application is a project of its own in {folder}/",
            where=str(application.module.path),
            remedy=f"Run 'harness init' in {folder}/",
        )
    beside = (
        f"; {around.locustfile} calls a server: run it with 'harness locust -f {around.locustfile} --host URL'"
        if around.locustfile
        else ""
    )
    return UsageError(
        "Found no web application, Lambda handler or pytest-benchmark suite in this folder" + beside,
        remedy="Run 'harness init' in the folder of your project, or measure a function: "
        "harness run closed --target call:package.module:function",
    )


def _of_application(
    project: Path, usable: Sequence[Application], modules: Mapping[str, Module], around: Proposal
) -> Proposal:
    application, *others = usable
    is_lambda = application.kind == LAMBDA
    if application.framework == "Django":
        routes = find_django_routes(application.module, modules)
    else:
        routes = find_routes(application, others, modules)
    what = (
        "Lambda handler" if is_lambda else f"{application.framework or application.kind.upper()} application"
    )
    made = dataclasses.replace(
        around,
        target=_spec(project, application),
        what=what,
        package=application.framework.lower(),
        others=tuple(_spec(project, other) for other in others if other.dotted != application.maker),
    )
    if is_lambda:
        return dataclasses.replace(made, requests=_events(project, application.module.path.parent))
    asked = [route for route in routes.found if route.method == "GET"] or [_HOME]
    return dataclasses.replace(
        made,
        requests=REQUESTS,
        new_files={REQUESTS: request_lines(asked)},
        count=len(asked),
        left_out=_changing((route.method, route.operation) for route in routes.found),
        unreadable=routes.unreadable,
    )


def _of_functions(
    project: Path,
    functions: Sequence[LambdaFunction],
    usable: Sequence[Application],
    modules: Mapping[str, Module],
    around: Proposal,
) -> Proposal:
    by_path = {module.path: module for module in modules.values()}
    specs = []
    for function in (ordered := sorted(functions, key=lambda function: -len(function.routes))):
        module = by_path.get(function.file)
        place = f"{function.file.as_posix()}:{function.handler}"
        # A name lets comparisons import each side's code; a file's own folder is what Lambda imports from.
        if module is not None and not has_own_root(module):
            place = place_of(project, module, function.handler)
        specs.append(f"{LAMBDA}:{place}")
    handlers = {(function.file, function.handler) for function in functions}
    others = (
        _spec(project, application)
        for application in usable
        if (application.module.path, application.name) not in handlers
    )
    made = dataclasses.replace(
        around,
        target=specs[0],
        what=f"Lambda function {ordered[0].name} in the template",
        others=tuple(dict.fromkeys([*specs[1:], *others])),
        requests=_events(project, ordered[0].code),
    )
    routes = ordered[0].routes
    asked = [route for route in routes if route.method == "GET"]
    if any((project / made.requests).glob("*.json")) or not asked:
        return made
    return dataclasses.replace(
        made,
        new_files=event_files(asked),
        count=len(asked),
        left_out=_changing((route.method, f"{route.method} {route.path}") for route in routes),
    )


def _spec(project: Path, application: Application) -> str:
    call = "()" if application.is_factory else ""
    return f"{application.kind}:{place_of(project, application.module, application.name)}{call}"


def _changing(operations: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return the names of the operations, given as (method, name), that may change data."""
    return tuple(dict.fromkeys(name for method, name in operations if method not in _HARMLESS))


def _events(project: Path, code: Path) -> str:
    """Return the folder of a handler's events, the first that has any; `events` if none has."""
    folders = [Path(EVENTS), code / EVENTS, Path("tests", EVENTS)]
    return next((one.as_posix() for one in folders if any((project / one).glob("*.json"))), EVENTS)


def _roots(project: Path, made: Proposal, modules: Mapping[str, Module]) -> tuple[str, ...]:
    """Return the packages and modules that comparisons should take from each side: those usually found, the target's, and
    those at the top that the project's own code imports.
    """
    found = list(source_roots(project, (), [made.suite] if made.suite else []).values())
    place = made.target.partition(":")[2].rpartition(":")[0]
    module = modules.get(place)
    paths = [module.path if module else Path(place)] if place else []
    own = [module for module in modules.values() if not is_test(module.path)]
    tops = {name.partition(".")[0] for module in own for name in module.names.values()}
    paths += [one.path for one in own if one.root == Path() and one.name.partition(".")[0] in tops]
    for path in paths:
        if not any(path.is_relative_to(root) for root in found):
            found.append(path.parts[0] if len(path.parts) == 1 else path.parent.as_posix())
    return tuple(found)
