"""The words of docstrings: the first one is not a question word. The rest of the rule needs a reader."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.paths import ROOT

TREES = ("harness", "targets", "scenarios", "reports")
FORBIDDEN = re.compile(
    r"(Who|Whom|Whose|What|Whatever|Where|Wherever|Whether|Which|Of|How|When|Nobody|Nothing|As|May|Is)\b"
)


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of the docstring of every module, class, function and attribute."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        documented = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        for place, statement in enumerate(body):
            follows = isinstance(body[place - 1], (ast.Assign, ast.AnnAssign)) if place else documented
            if follows and (text := plain_text(statement)) is not None:
                yield statement.lineno, text


def plain_text(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return statement.value.value if isinstance(statement.value.value, str) else None
    return None


def complaints(source: str) -> list[str]:
    """Return the line and the first words of each docstring that begins with a forbidden word."""
    return [
        f"{line}: {text.strip()[:80]}"
        for line, text in docstrings(ast.parse(source))
        if FORBIDDEN.match(text.strip())
    ]


@pytest.mark.parametrize(
    "source",
    [
        '"""What is measured."""',
        'class Call:\n    """Who calls."""',
        'def call():\n    """Whether it was called."""',
        'async def call():\n    """\n    How it is called.\n    """',
        'class Call:\n    sent_ns: int\n    """When it was sent."""',
        'LIMIT = 1\n"""Of all calls."""',
    ],
)
def test_a_docstring_that_begins_with_a_question_word_is_found_wherever_it_stands(source):
    assert len(complaints(source)) == 1


def test_texts_that_document_nothing_and_words_that_only_begin_alike_are_left_alone():
    assert not complaints(
        '"""Offer calls."""\nASSETS = "What"\n"""Assets by id."""\nprint("Who")\n"""What stands alone."""'
    )


@pytest.mark.parametrize("tree", TREES)
def test_no_docstring_begins_with_a_question_word(tree):
    files = [path for path in sorted((ROOT / tree).rglob("*.py")) if "__pycache__" not in path.parts]
    assert files
    found = [
        f"{path.relative_to(ROOT)}:{complaint}"
        for path in files
        for complaint in complaints(path.read_text("utf-8"))
    ]
    assert not found, "begin with a verb and its object:\n" + "\n".join(found)
