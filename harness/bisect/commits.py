"""The commits between two revisions, in order, and refusals of revisions that have none between them."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.history.states import code_of
from harness.redaction.visible import typed
from harness.session.sides import git


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """The commits after `good` up to `bad`, the oldest first. `is_linear` is False if merged branches are interleaved."""

    good: str
    bad: str
    commits: tuple[str, ...]
    is_linear: bool


def between(project: Path, good: str, bad: str) -> Range:
    """Return the commits between two revisions.

    They follow the first parents where GOOD lies on them: a merge then stands for its branch. Otherwise all descendants
    of GOOD are in the range.

    Raises `UsageError` for revisions in the wrong order, equal ones, and those without a common line of history.
    """
    first, last = git.resolve(project, good), git.resolve(project, bad)
    if first == last:
        raise UsageError(
            f"'{good}' and '{bad}' are the same commit", remedy="Name an earlier GOOD, or a later BAD"
        )
    if not _is_ancestor(project, first, last):
        raise _out_of_order(project, (good, first), (bad, last))
    main = _listed(project, "--first-parent", f"{first}..{last}")
    parent = git.run(project, "rev-parse", "--verify", "--quiet", f"{main[0]}^1").stdout.strip()
    if parent == first:
        return Range(first, last, tuple(main), is_linear=True)
    every = _listed(project, "--topo-order", "--ancestry-path", f"{first}..{last}")
    return Range(first, last, tuple(every), is_linear=False)


def grouped(project: Path, found: Range, paths: Sequence[str]) -> list[str]:
    """Return GOOD and the commits that changed the content of the measured paths, in order: only those can have made a change.

    Without `paths`, all of them. The last one stands for BAD.
    """
    if not paths:
        return [found.good, *found.commits]
    kept, before = [found.good], code_of(project, found.good, paths)
    for commit in found.commits:
        code = code_of(project, commit, paths)
        if code is None or code != before:
            kept.append(commit)
        before = code
    return kept


def _listed(project: Path, *words: str) -> list[str]:
    return git.run(project, "rev-list", "--reverse", *words).stdout.split()


def _is_ancestor(project: Path, first: str, last: str) -> bool:
    return git.run(project, "merge-base", "--is-ancestor", first, last).returncode == 0


def _out_of_order(project: Path, good: tuple[str, str], bad: tuple[str, str]) -> UsageError:
    (named_good, first), (named_bad, last) = good, bad
    if _is_ancestor(project, last, first):
        return UsageError(
            f"'{named_bad}' is earlier than '{named_good}'",
            remedy=f"GOOD is the earlier one: {typed('harness', 'bisect', named_bad, named_good)}",
        )
    fork = git.run(project, "merge-base", first, last).stdout.split()
    if fork:
        return UsageError(
            f"'{named_good}' is on another branch than '{named_bad}'",
            remedy=f"Search from where they part: {typed('harness', 'bisect', fork[0][:12], named_bad)}",
        )
    if git.is_shallow(project):
        return UsageError(
            f"This clone is shallow: its history does not reach from '{named_bad}' back to '{named_good}'",
            where=str(project),
            remedy="Fetch the history: git fetch --unshallow",
        )
    return UsageError(
        f"'{named_good}' and '{named_bad}' have no commit in common",
        remedy="Name two revisions of one history",
    )
