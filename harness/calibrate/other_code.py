"""Rewrite a module into other code that does the same at the same speed: the difference that most changes to a project make."""

import ast

_UNUSED = '''
UNUSED_{number} = ("unused", {number}, {number}.5, {{"key": {number}}})


def unused_{number}(values, least={number}):
    """Return the values above a limit."""
    return [value for value in values if value > least]
'''


def rewritten(source: str) -> str:
    """Return `source` with its private names changed, its functions and classes in reverse order, and unused ones between them.

    Every function keeps its instructions. Names, constants, line numbers and the order in memory differ.
    """
    tree = ast.parse(source)
    own = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    names = {node.name for node in own} | {
        target.id for node in tree.body if isinstance(node, ast.Assign) for target in _targets(node)
    }
    private = {name: f"_other{name}" for name in names if name.startswith("_")}
    # What they are made with comes before them, and what is made of them after.
    first = next(place for place, node in enumerate(tree.body) if node in own)
    rest = [node for node in tree.body[first:] if node not in own]
    mixed: list[ast.stmt] = []
    for number, node in enumerate(reversed(own)):
        mixed += [*ast.parse(_UNUSED.format(number=number)).body, node]
    tree.body = [*tree.body[:first], *mixed, *rest]
    return ast.unparse(_Renamed(private).visit(tree)) + "\n"


def _targets(node: ast.Assign) -> list[ast.Name]:
    return [target for target in node.targets if isinstance(target, ast.Name)]


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.copy_location(ast.Name(self._names.get(node.id, node.id), node.ctx), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self._names.get(node.name, node.name)
        return self.generic_visit(node)
