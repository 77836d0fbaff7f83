"""Find web applications and Lambda handlers by the syntax of a project's files."""

import ast
import dataclasses
from collections.abc import Collection, Iterator, Mapping

from harness.session.sides.roots import NO_SOURCE
from harness.work.start.modules import NO_APPLICATION, Module, is_test

WSGI, ASGI, LAMBDA = "wsgi", "asgi", "lambda"
_MAKERS: Mapping[str, tuple[str, str]] = {
    "apiflask.APIFlask": (WSGI, "Flask"),
    "blacksheep.Application": (ASGI, "BlackSheep"),
    "bottle.Bottle": (WSGI, "Bottle"),
    "bottle.default_app": (WSGI, "Bottle"),
    "django.core.asgi.get_asgi_application": (ASGI, "Django"),
    "django.core.wsgi.get_wsgi_application": (WSGI, "Django"),
    "falcon.API": (WSGI, "Falcon"),
    "falcon.App": (WSGI, "Falcon"),
    "falcon.asgi.App": (ASGI, "Falcon"),
    "fastapi.FastAPI": (ASGI, "FastAPI"),
    "fastapi.applications.FastAPI": (ASGI, "FastAPI"),
    "flask.Flask": (WSGI, "Flask"),
    "flask.app.Flask": (WSGI, "Flask"),
    "litestar.Litestar": (ASGI, "Litestar"),
    "quart.Quart": (ASGI, "Quart"),
    "starlette.applications.Starlette": (ASGI, "Starlette"),
}
"""Kind and framework of what each class or function makes."""
_SIGNATURES = {
    ("environ", "start_response"): WSGI,
    ("scope", "receive", "send"): ASGI,
    ("event", "context"): LAMBDA,
}
_USUAL_FILES = ("app", "main", "wsgi", "asgi", "application", "server", "api", "__init__")
_USUAL_NAMES = ("app", "application", "api", "handler", "lambda_handler", "create_app")
_LESS_LIKELY = NO_SOURCE.difference(NO_APPLICATION)


@dataclasses.dataclass(frozen=True, slots=True)
class Application:
    """An application object, a factory of one, or a handler, at `module`:`name`."""

    kind: str
    framework: str
    module: Module
    name: str
    is_factory: bool = False
    needs: tuple[str, ...] = ()
    """Parameters without a default of a factory: it cannot be called without them."""
    maker: str = ""
    """Dotted name of the class or function that makes the object; empty for a factory or a function."""

    @property
    def dotted(self) -> str:
        """Return the dotted name."""
        return f"{self.module.name}.{self.name}"


def find_applications(modules: Mapping[str, Module]) -> list[Application]:
    """Return the applications of a project, the likeliest first."""
    makers = _all_makers(modules)
    found = [
        application
        for module in modules.values()
        if not is_test(module.path)
        for application in _applications(module, makers, modules)
    ]
    return sorted(found, key=_rank)


def _rank(application: Application) -> tuple[object, ...]:
    path = application.module.path
    return (
        not {*path.parts[:-1]}.isdisjoint(_LESS_LIKELY),
        bool(application.needs),
        not application.framework,
        application.is_factory,
        (application.framework, application.kind) == ("Django", ASGI),
        len(path.parts),
        _place(path.stem, _USUAL_FILES),
        _place(application.name, _USUAL_NAMES),
        str(path),
    )


def _place(word: str, usual: tuple[str, ...]) -> int:
    return usual.index(word) if word in usual else len(usual)


def _all_makers(modules: Mapping[str, Module]) -> dict[str, tuple[str, str]]:
    """Return the known makers with the project's own: subclasses, and functions that return an application."""
    makers = dict(_MAKERS)
    for _ in range(3):  # A factory of one file may call the one of another, over few files.
        known = len(makers)
        for module in modules.values():
            for node in module.tree.body:
                if made := _made_by(node, module, makers, modules):
                    makers.setdefault(f"{module.name}.{_name_of(node)}", made)
        if len(makers) == known:
            break
    return makers


def _name_of(node: ast.stmt) -> str:
    return node.name if isinstance(node, ast.ClassDef | ast.FunctionDef) else ""


def _made_by(
    node: ast.stmt, module: Module, makers: Mapping[str, tuple[str, str]], modules: Mapping[str, Module]
) -> tuple[str, str] | None:
    """Return what a class or a function of a file makes; None if it is no application."""
    if isinstance(node, ast.ClassDef):
        return next(
            filter(None, (_look_up(module.dotted(base), makers, modules) for base in node.bases)), None
        )
    if not isinstance(node, ast.FunctionDef):
        return None
    if node.returns is not None and (said := _look_up(module.dotted(node.returns), makers, modules)):
        return said
    local = {
        target.id: made
        for inner in ast.walk(node)
        for target, value in _assigned(inner)
        if (made := _value_of(value, module, makers, modules))
    }
    for inner in ast.walk(node):
        if isinstance(inner, ast.Return) and inner.value is not None:
            named = local.get(inner.value.id) if isinstance(inner.value, ast.Name) else None
            if made := named or _value_of(inner.value, module, makers, modules):
                return made
    return None


def _assigned(node: ast.AST) -> Iterator[tuple[ast.Name, ast.expr]]:
    targets = (
        node.targets
        if isinstance(node, ast.Assign)
        else [node.target]
        if isinstance(node, ast.AnnAssign)
        else []
    )
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    if value is not None:
        yield from ((target, value) for target in targets if isinstance(target, ast.Name))


def _value_of(
    value: ast.expr, module: Module, makers: Mapping[str, tuple[str, str]], modules: Mapping[str, Module]
) -> tuple[str, str] | None:
    return _look_up(module.dotted(value.func), makers, modules) if isinstance(value, ast.Call) else None


def _look_up(
    dotted: str, makers: Mapping[str, tuple[str, str]], modules: Mapping[str, Module]
) -> tuple[str, str] | None:
    return makers.get(resolved(dotted, modules, makers))


def resolved(dotted: str, modules: Mapping[str, Module], known: Collection[str] = ()) -> str:
    """Return the name where an object is defined, for one that other modules of the project import and pass on."""
    for _ in range(5):
        owner, _, name = dotted.rpartition(".")
        module = modules.get(owner)
        if dotted in known or module is None or name not in module.names or module.names[name] == dotted:
            break
        dotted = module.names[name]
    return dotted


def _applications(
    module: Module, makers: Mapping[str, tuple[str, str]], modules: Mapping[str, Module]
) -> Iterator[Application]:
    for node in top_statements(module.tree.body):
        for target, value in _assigned(node):
            if made := _value_of(value, module, makers, modules):
                maker = resolved(module.dotted(value.func), modules) if isinstance(value, ast.Call) else ""
                yield Application(*made, module, target.id, maker=maker)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = tuple(argument.arg for argument in node.args.args)
            if kind := _SIGNATURES.get(tuple(name.lstrip("_") for name in arguments)):
                if isinstance(node, ast.AsyncFunctionDef) is (kind == ASGI):
                    yield Application(kind, "", module, node.name)
            elif made := makers.get(f"{module.name}.{node.name}"):
                yield Application(*made, module, node.name, is_factory=True, needs=_needed(node))


def _needed(node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, ...]:
    arguments = [*node.args.posonlyargs, *node.args.args]
    required = arguments[: len(arguments) - len(node.args.defaults)]
    keywords = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return tuple(
        argument.arg for argument in [*required, *(key for key, default in keywords if default is None)]
    )


def top_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that an import executes, also inside `if`, `try` and `with`; not those of a main program."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and "__main__" not in ast.dump(node.test):
            yield from top_statements([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            inner = [statement for handler in node.handlers for statement in handler.body]
            yield from top_statements([*node.body, *inner, *node.orelse, *node.finalbody])
        elif isinstance(node, ast.With):
            yield from top_statements(node.body)
