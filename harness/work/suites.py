"""Resolve the user's arguments to the suite of a project and the chosen micro-benchmarks."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import scenarios.micro
from harness.errors import InvalidRunError, UsageError
from harness.micro.suite import Suite
from harness.policy.policy import Policy, fits
from harness.session.sides.roots import source_roots

OWN = Path(scenarios.micro.__file__).resolve().parent
"""Suite of the asset core, which comes with the harness."""

_TREE = OWN.parent.parent
_PARTS = re.compile(r"[^\W_]+")


def find_suite(folder: Path, policy: Policy) -> Suite:
    """Return the suite that the policy of the project in `folder` names, or else the asset core's own.

    Raises `UsageError` for another project whose policy names no suite.
    """
    if policy.suite is not None:
        place = (folder / policy.suite).resolve()
        return Suite(place, tuple(_import_path(folder, policy, place)), policy.plugins)
    if policy != Policy() and folder.resolve() != _TREE:
        raise UsageError(
            "The policy names no suite of micro-benchmarks",
            where=str(folder / "pyproject.toml"),
            remedy='Add `suite = "benchmarks"` to [tool.harness]: a folder or a file of pytest-benchmark tests',
        )
    return Suite(OWN, (_TREE,), policy.plugins)


def suite_text(suite: Suite, folder: Path) -> str:
    """Return the name of a suite: its path relative to the project, or to the folder that holds the harness."""
    for parent in (folder.resolve(), _TREE):
        if suite.place.is_relative_to(parent):
            return str(suite.place.relative_to(parent))
    return str(suite.place)


def _import_path(folder: Path, policy: Policy, place: Path) -> list[Path]:
    if policy.source_roots:
        # The folder above the whole import name, also for a namespace package, or the named folder itself.
        roots = source_roots(folder, policy.source_roots, policy.suite, policy.target)
        found = [(folder / path).resolve().parents[name.count(".")] for name, path in roots.items()]
    else:
        found = [path.resolve() for path in (folder / "src", folder) if path.is_dir()]
    return list(dict.fromkeys([*found, place if place.is_dir() else place.parent]))


def choose(names: Sequence[str], words: Iterable[str], broken: Mapping[str, str]) -> tuple[str, ...]:
    """Return the benchmarks that any of `words` selects, in the order of the suite; all of them without a word.

    A word is a name, a part of one, or a glob over whole names. Raises `UsageError` with the nearest names for a word
    that selects nothing, `InvalidRunError` if it would select a file that cannot be imported.
    """
    words = tuple(words)
    for word in words:
        if not any(_fits(word, name) for name in names):
            _refuse(word, names, broken)
    return tuple(name for name in names if not words or any(_fits(word, name) for word in words))


def _fits(word: str, name: str) -> bool:
    return word in name or fits(word, name)


def _refuse(word: str, names: Sequence[str], broken: Mapping[str, str]) -> None:
    for file, error in broken.items():
        if _fits(word, file):
            raise InvalidRunError(
                f"{file} cannot be imported: {error}",
                where=f"selected by '{word}'",
                remedy="Correct it; without this word 'harness bench' measures the rest",
            )
    raise UsageError(f"No benchmark matches '{word}'", remedy=_nearest(word, names))


def _nearest(word: str, names: Sequence[str]) -> str:
    parts = {part: name for name in names for part in [name, *_PARTS.findall(name)]}
    close = difflib.get_close_matches(word, parts, 3, 0.6)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    shown = ", ".join(names[:5])
    return f"There are {len(names)}, such as {shown}" if len(names) > 5 else f"There are: {shown}"
