"""Find the routes of a Django project by the syntax of its settings and its `urlpatterns`."""

import ast
import re
from collections.abc import Iterator, Mapping

from harness.work.start.modules import Module
from harness.work.start.routes import Route, Routes

_SETTINGS = "DJANGO_SETTINGS_MODULE"
_DEEPEST = 8
_PLAIN_REGEX = re.compile(r"[\w/.-]*")
_GROUP = re.compile(r"\(\?P<(\w+)>[^()]*\)|\([^()?][^()]*\)")


def find_django_routes(module: Module, modules: Mapping[str, Module]) -> Routes:
    """Return the routes of the Django project whose `wsgi.py` or `asgi.py` is `module`.

    Django's patterns name no methods: a view answers GET unless one of Django's decorators says otherwise.
    """
    settings = modules.get(_constant_after(module, _SETTINGS))
    root = modules.get(_assigned_text(settings or module, "ROOT_URLCONF"), module)
    if root is module and not any(_patterns(module)):
        root = modules.get(f"{module.name.rpartition('.')[0]}.urls", module)
    found: dict[str, Route] = {}
    unreadable = 0
    for route in _walk(root, modules, 0):
        if route is None:
            unreadable += 1
        else:
            found.setdefault(route.template, route)
    return Routes(tuple(found.values()), unreadable)


def _constant_after(module: Module, name: str) -> str:
    """Return the text that follows `name` among the arguments of a call, as in `os.environ.setdefault(name, text)`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and len(node.args) == 2 and _text(node.args[0]) == name:
            return _text(node.args[1]) or ""
    return ""


def _assigned_text(module: Module, name: str) -> str:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign) and any(
            isinstance(to, ast.Name) and to.id == name for to in node.targets
        ):
            return (
                module.name
                if isinstance(node.value, ast.Name) and node.value.id == "__name__"
                else _text(node.value) or ""
            )
        if isinstance(node, ast.keyword) and node.arg == name:
            return module.name if isinstance(node.value, ast.Name) else _text(node.value) or ""
    return ""


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _patterns(module: Module) -> Iterator[ast.expr]:
    for node in module.tree.body:
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AugAssign | ast.AnnAssign)
            else []
        )
        if any(isinstance(target, ast.Name) and target.id == "urlpatterns" for target in targets):
            yield from (inner for inner in _elements(getattr(node, "value", None)))


def _elements(value: ast.expr | None) -> Iterator[ast.expr]:
    if isinstance(value, ast.List | ast.Tuple):
        yield from value.elts
    elif isinstance(value, ast.BinOp):
        yield from _elements(value.left)
        yield from _elements(value.right)


def _walk(module: Module, modules: Mapping[str, Module], depth: int) -> Iterator[Route | None]:
    """Yield the routes below a module's `urlpatterns`; None for each that cannot be read."""
    for pattern in _patterns(module):
        yield from _below(pattern, module, modules, "/" if depth == 0 else "", depth)


def _below(
    pattern: ast.expr, module: Module, modules: Mapping[str, Module], prefix: str, depth: int
) -> Iterator[Route | None]:
    if not isinstance(pattern, ast.Call) or len(pattern.args) < 2 or depth > _DEEPEST:
        return
    kind = module.dotted(pattern.func).rpartition(".")[2]
    route = _text(pattern.args[0])
    template = (
        route if kind == "path" or route is None else _of_regex(route) if kind in {"re_path", "url"} else None
    )
    view = pattern.args[1]
    if isinstance(view, ast.Attribute) and view.attr == "urls":
        return  # The admin, which answers only to those who have logged in.
    if template is None:
        yield None
    elif isinstance(view, ast.Call) and module.dotted(view.func).rpartition(".")[2] == "include":
        found = list(_included(view, module, modules, depth))
        for below in found or [None]:
            yield below and Route(below.method, prefix + template + below.template)
        if not found and prefix + template == "/":
            yield Route("GET", "/")  # Pages of an installed package, such as a wiki's or a shop's.
    else:
        yield Route(_method_of(view, module, modules), prefix + template)


def _method_of(view: ast.expr, module: Module, modules: Mapping[str, Module]) -> str:
    """Return the first method that a view answers, by the decorators of its function."""
    owner, _, name = module.dotted(view).rpartition(".")
    body = modules[owner].tree.body if owner in modules else []
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            for decorator in node.decorator_list:
                if method := _required(decorator, modules[owner]):
                    return method
    return "GET"


def _required(decorator: ast.expr, module: Module) -> str:
    if isinstance(decorator, ast.Call) and decorator.args:
        names = [_text(element) or "" for element in _elements(decorator.args[0])]
        is_list = module.dotted(decorator.func).rpartition(".")[2] in {"require_http_methods", "api_view"}
        return ("GET" if "GET" in names else names[0]) if is_list and names else ""
    return "POST" if module.dotted(decorator).rpartition(".")[2] == "require_POST" else ""


def _included(
    include: ast.Call, module: Module, modules: Mapping[str, Module], depth: int
) -> Iterator[Route | None]:
    what = include.args[0] if include.args else None
    if isinstance(what, ast.Tuple) and what.elts:
        what = what.elts[0]
    if isinstance(what, ast.List):
        for pattern in what.elts:
            yield from _below(pattern, module, modules, "", depth + 1)
        return
    name = (_text(what) or module.dotted(what)) if what is not None else ""
    if name in modules:
        yield from _walk(modules[name], modules, depth + 1)
    elif name.endswith(".urls"):
        yield from (Route("GET", f"{word}/") for word in _registered(name.removesuffix(".urls"), modules))


def _registered(router: str, modules: Mapping[str, Module]) -> Iterator[str]:
    """Yield the prefixes of the lists that a router of Django REST framework serves: `router.register("users", …)`."""
    module = modules.get(router.rpartition(".")[0])
    for node in ast.walk(module.tree) if module else ():
        if (
            module is not None
            and isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and module.dotted(node.func) == f"{router}.register"
            and node.args
            and (word := _text(node.args[0])) is not None
        ):
            yield word


def _of_regex(regex: str) -> str | None:
    """Return the template of a plain regular expression such as `^items/(?P<pk>[0-9]+)/$`; None for another."""
    inner = regex.removeprefix("^").removesuffix("$").removesuffix("/?")
    template = _GROUP.sub(lambda found: f"<{found[1] or 'id'}>", inner)
    return template if _PLAIN_REGEX.fullmatch(re.sub(r"<\w+>", "", template)) else None
