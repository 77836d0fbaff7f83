"""Compute the digest of the gate's code: a calibration card holds only for the code that made its sessions."""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import harness
from harness import judge, policy, session, stats

GATE = (session, stats, judge, policy)
"""Packages whose code measures and judges; the policy holds the margins."""

SINGLE = ("processes/children.py", "target/eventloop.py", "target/unfinished.py")
"""Files of other packages that slots load: the CPU time of child processes, and the calls of async functions."""

BESIDE = frozenset(
    {
        "judge.ablation",
        "judge.certified",
        "judge.document",
        "judge.exact",
        "judge.floors",
        "judge.instructions",
        "judge.load_evidence",
        "judge.policy_file",
        "policy.build",
        "policy.certificates",
        "policy.servers",
        "policy.growth",
        "policy.history",
        "policy.slo",
        "policy.thresholds",
        "stats.clusters",
        "stats.crossing",
        "stats.growth",
        "stats.proportion",
        "stats.student",
        "session.sides.builds",
        "session.sides.built",
        "session.sides.checkout",
        "session.sides.git",
        "session.slots.injection",
        "session.sides.installed",
        "session.load.block",
        "session.load.blocks",
        "session.load.locustfile",
        "session.sides.lockfiles",
        "session.sides.measured",
        "session.sides.overlay",
        "session.receipt_file",
        "session.sides.roots",
        "session.sides.served",
        "session.load.segments",
        "session.sides.sources",
        "session.sides.subjects",
        "session.sides.suite_copy",
        "session.sides.target_suite",
    }
)
"""Modules of these packages that no verdict on the time of a benchmark depends on."""

# Fields of syntax trees that change no behaviour, or that only some versions of Python have.
_WITHOUT_MEANING = frozenset({"type_comment", "type_ignores", "kind", "ctx"})


@cache
def gate_digest() -> str:
    """Return the digest of the code that times and judges, 16 hexadecimal digits.

    It covers the syntax trees without comments, docstrings, layout, import statements and the names of files and folders,
    so that a move or a comment voids no card. It is the same under every version of Python.
    """
    top = Path(harness.__file__).parent
    return digest(GATE, BESIDE, [top / file for file in SINGLE])


def digest(packages: tuple[ModuleType, ...], beside: frozenset[str], single: Sequence[Path] = ()) -> str:
    """Return the digest of all modules below `packages` without those named in `beside`, and of `single` files, in any order."""
    trees = sorted(meaning(path.read_text("utf-8")) for path in (*_files(packages, beside), *single))
    return hashlib.sha256("\n".join(trees).encode()).hexdigest()[:16]


def modules(packages: tuple[ModuleType, ...]) -> dict[str, Path]:
    """Return the file of each module below `packages`, by its name without `harness.`."""
    found = {}
    for package in packages:
        folder = Path(package.__file__ or "").parent
        for path in folder.rglob("*.py"):
            parts = (folder.name, *path.relative_to(folder).with_suffix("").parts)
            found[".".join(parts)] = path
    return found


def _files(packages: tuple[ModuleType, ...], beside: frozenset[str]) -> Iterator[Path]:
    return (path for name, path in modules(packages).items() if name not in beside)


def meaning(source: str) -> str:
    """Return the syntax tree of a source file as text, without docstrings and imports."""
    return "".join(_written(ast.parse(source)))


def _written(value: Any) -> Iterator[str]:
    if isinstance(value, ast.AST):
        yield f"({type(value).__name__}"
        for name, field in ast.iter_fields(value):
            if name not in _WITHOUT_MEANING and field not in (None, []):
                yield f" {name}="
                yield from _written(field)
        yield ")"
    elif isinstance(value, list):
        yield "["
        for item in value:
            if not _is_beside(item):
                yield from _written(item)
        yield "]"
    else:
        yield repr(value)


def _is_beside(node: Any) -> bool:
    """Return True for a statement that imports, documents, or only holds imports for type checkers."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, (ast.Import, ast.ImportFrom))
