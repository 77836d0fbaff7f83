"""Find the routes of web applications by the syntax of a project's files: decorators, tables of routes, prefixes."""

import ast
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping

from harness.work.start.applications import Application, resolved
from harness.work.start.modules import Module, is_test, text_constants, text_of

_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
_ANY = ("route", "api_route", "add_url_rule", "add_api_route", "add_route")
_INCLUDES = {"include_router": "prefix", "register_blueprint": "url_prefix", "mount": "path"}
_OWN_PREFIX = {"APIRouter": "prefix", "Blueprint": "url_prefix", "APIBlueprint": "url_prefix"}
_PARAMETER = re.compile(
    r"<(?P<first>\w+)(?:\([^)]*\))?(?::(?P<second>[^>]*))?>|\{(?P<name>\w+)(?::(?P<kind>\w+))?\}"
)
_CONVERTERS = ("any", "float", "int", "path", "slug", "str", "string", "uuid")
"""Converters that Flask and Django write before a name; Bottle writes its own after it."""
_SCALARS = {"int": "1", "float": "1", "str": "1", "bool": "1"}
_UUID = "00000000-0000-0000-0000-000000000001"


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """A route: its method and template, the path with ids filled in, and the parameters that its query must have."""

    method: str
    template: str
    query: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Return the path of a request: each id is 1."""
        return _PARAMETER.sub(_value, self.template)

    @property
    def operation(self) -> str:
        """Return the operation's name: the method and the template in one spelling, such as `GET /items/{id}`."""
        return f"{self.method} {_PARAMETER.sub(_name_in_braces, self.template)}"


def _name_and_converter(found: re.Match[str]) -> tuple[str, str]:
    first, second = found["first"] or found["name"], found["second"] or found["kind"] or ""
    return (second, first) if found["first"] in _CONVERTERS and second.isidentifier() else (first, second)


def _name_in_braces(found: re.Match[str]) -> str:
    return f"{{{_name_and_converter(found)[0]}}}"


def _value(found: re.Match[str]) -> str:
    return _UUID if _name_and_converter(found)[1] == "uuid" else "1"


@dataclasses.dataclass(frozen=True, slots=True)
class _Declared:
    """A route as a file declares it, on the object with the dotted name `owner`."""

    owner: str
    method: str
    path: str
    query: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class _Included:
    """A router that another object includes; `prefix` is None if the code computes it."""

    owner: str
    child: str
    prefix: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Routes:
    """The routes of an application, each once, and how many more have a path that the code computes."""

    found: tuple[Route, ...]
    unreadable: int = 0


def find_routes(
    application: Application, others: Iterable[Application], modules: Mapping[str, Module]
) -> Routes:
    """Return the routes of an application; those of the `others` are left out where the code shows whose they are."""
    declared, included, own = _read_all(modules)
    parents = {link.child: link for link in included}
    others = [other for other in others if other.dotted not in {application.dotted, application.maker}]
    foreign = {other.dotted for other in others if not other.is_factory}
    # The application of a factory has no name of its own: its routes are those of its file.
    files = {other.module.name for other in others if other.is_factory} - {application.module.name}
    found: dict[tuple[str, str], Route] = {}
    unreadable = 0
    for route in declared:
        prefix, top = _above(route.owner, parents, own)
        if top in foreign or top.rpartition(".")[0] in files:
            continue
        if prefix is None or not (prefix + route.path).startswith("/"):
            unreadable += 1
            continue
        made = Route(route.method, _joined(prefix, route.path), route.query)
        found.setdefault((made.method, made.template), made)
    return Routes(tuple(found.values()), unreadable)


def _joined(prefix: str, path: str) -> str:
    return prefix.rstrip("/") + path if path.startswith("/") else prefix + path


def _above(
    owner: str, parents: Mapping[str, _Included], own: Mapping[str, str | None]
) -> tuple[str | None, str]:
    """Return the prefix of all routes of an object, and the outermost object that includes it."""
    prefix: str | None = own.get(owner, "")
    for _ in range(10):
        link = parents.get(owner)
        if link is None or link.owner == owner:
            break
        prefix = None if prefix is None or link.prefix is None else _joined(link.prefix, prefix)
        owner = link.owner
        above = own.get(owner, "")
        prefix = None if prefix is None or above is None else _joined(above, prefix)
    return prefix, owner


def _read_all(
    modules: Mapping[str, Module],
) -> tuple[list[_Declared], list[_Included], dict[str, str | None]]:
    declared: list[_Declared] = []
    included: list[_Included] = []
    own: dict[str, str | None] = {}
    constants = text_constants(modules)
    for module in modules.values():
        for node in () if is_test(module.path) else ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for decorator in node.decorator_list:
                    declared += _of_call(decorator, module, node)
            elif isinstance(node, ast.Expr):
                declared += _of_call(node.value, module, None)
                included += _of_include(node.value, module, modules, constants)
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                _note_own(node, node.value, module, constants, own)
            if isinstance(node, ast.Call):
                declared += _of_table(node, module)
    return declared, included, own


def _of_call(
    call: ast.expr, module: Module, function: ast.FunctionDef | ast.AsyncFunctionDef | None
) -> Iterator[_Declared]:
    """Yield the routes of `@app.get("/")`, `@app.route("/", methods=[…])`, `app.add_url_rule("/", …)` and bottle's `@get("/")`."""
    if not isinstance(call, ast.Call):
        return
    if isinstance(call.func, ast.Attribute):
        owner, verb = module.dotted(call.func.value), call.func.attr
    elif isinstance(call.func, ast.Name) and module.dotted(call.func).startswith("bottle."):
        owner, verb = "bottle", module.dotted(call.func).removeprefix("bottle.")
    else:
        return
    path = _argument(call, 0, "path", "rule")
    if not isinstance(path, str) or (function is None and not verb.startswith("add_")):
        return
    if verb in _METHODS:
        methods: tuple[str, ...] = (verb.upper(),)
    elif verb in _ANY:
        methods = _methods(call)
    else:
        return
    query = _needed_query(function, path) if function is not None and verb != "route" else ()
    yield from (_Declared(owner, method, path, query) for method in methods)


def _methods(call: ast.Call) -> tuple[str, ...]:
    given = _keyword(call, "methods") or _keyword(call, "method")
    named = list(given) if isinstance(given, list | tuple | set) else [given]
    return tuple(str(method).upper() for method in named) if given else ("GET",)


def _of_table(call: ast.Call, module: Module) -> Iterator[_Declared]:
    """Yield the route of Starlette's `Route("/", endpoint, methods=[…])`; those inside a `Mount` have its path before theirs."""
    name = module.dotted(call.func)
    if name == "starlette.routing.Route" and isinstance(path := _argument(call, 0, "path"), str):
        prefix = _mounted(call, module)
        yield from (_Declared(module.name, method, prefix + path) for method in _methods(call))


def _mounted(route: ast.Call, module: Module) -> str:
    around = [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and module.dotted(node.func) == "starlette.routing.Mount"
        and any(inner is route for inner in ast.walk(node))
    ]
    return "".join(str(_argument(node, 0, "path") or "") for node in around)


def _of_include(
    call: ast.expr, module: Module, modules: Mapping[str, Module], constants: Mapping[str, str]
) -> Iterator[_Included]:
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return
    key = _INCLUDES.get(call.func.attr)
    is_mount = call.func.attr == "mount"
    child = call.args[is_mount] if key and len(call.args) > is_mount else None
    if child is not None and (name := module.dotted(child)):
        given = [keyword.value for keyword in call.keywords if keyword.arg == key] or call.args[:is_mount]
        prefix = text_of(given[0], constants) if given else ""
        yield _Included(module.dotted(call.func.value), resolved(name, modules), prefix)


def _note_own(
    node: ast.Assign,
    call: ast.Call,
    module: Module,
    constants: Mapping[str, str],
    own: dict[str, str | None],
) -> None:
    """Note the prefix that a router or blueprint is made with."""
    made = module.dotted(call.func).rpartition(".")[2]
    if made not in _OWN_PREFIX:
        return
    given = [keyword.value for keyword in call.keywords if keyword.arg == _OWN_PREFIX[made]]
    prefix = text_of(given[0], constants) if given else ""
    for target in node.targets:
        if isinstance(target, ast.Name):
            own[f"{module.name}.{target.id}"] = prefix


def _needed_query(function: ast.FunctionDef | ast.AsyncFunctionDef, path: str) -> tuple[str, ...]:
    """Return the parameters of a FastAPI function that a request must have in its query: plain types without a default."""
    in_path = {_name_and_converter(found)[0] for found in _PARAMETER.finditer(path)}
    without = function.args.args[: len(function.args.args) - len(function.args.defaults)]
    return tuple(
        argument.arg
        for argument in without
        if isinstance(argument.annotation, ast.Name)
        and argument.annotation.id in _SCALARS
        and argument.arg not in in_path
    )


def _argument(call: ast.Call, place: int, *names: str) -> object:
    if len(call.args) > place:
        return _constant(call.args[place])
    return next((value for name in names if (value := _keyword(call, name)) is not None), None)


def _keyword(call: ast.Call, name: str) -> object:
    return next((_constant(keyword.value) for keyword in call.keywords if keyword.arg == name), None)


def _constant(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
