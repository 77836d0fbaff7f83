"""The work of `harness history anchor`: the two sides of the session that ties a chain to its reference."""

from pathlib import Path

from harness.errors import UsageError
from harness.policy.history import HistoryRules
from harness.session.sides import git
from harness.session.sides.subjects import TreeSide


def anchored_sides(
    project: Path, named: str | None, rules: HistoryRules, first: str
) -> tuple[TreeSide, TreeSide]:
    """Return the reference and HEAD as sides; `first` is the commit at which the courses start without a reference.

    Raises `UsageError` if the reference does not exist, or is HEAD.
    """
    revision = named or rules.reference or first
    base, head = git.resolve(project, revision), git.resolve(project, "HEAD")
    if base == head:
        raise UsageError(
            f"HEAD is the reference '{revision}' itself: there is nothing to tie",
            remedy="Name an earlier revision",
        )
    title = f"{revision} ({base[:12]})" if revision != base else ""
    return TreeSide(f"git:{base}", project, base, title), TreeSide(
        f"git:{head}", project, head, f"HEAD ({head[:12]})"
    )
