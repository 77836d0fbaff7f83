"""Check stored runs that are read together: their kind, and whether they may be compared."""

from collections.abc import Sequence
from typing import Any

from harness import environment
from harness.errors import UsageError
from harness.redaction.redact import redact_text
from harness.run.directory import RunDirectory


def kind_of(directories: Sequence[RunDirectory]) -> str:
    """Return the kind of all these runs. Raises `UsageError` if they are of several kinds."""
    by_kind = {directory.read_head().kind: directory for directory in directories}
    if len(by_kind) > 1:
        what = " and ".join(
            f"{directory.path} is a {kind} run" for kind, directory in sorted(by_kind.items())
        )
        raise UsageError(
            f"Runs of different kinds cannot share a report: {what}",
            remedy="Report the runs of each kind separately",
        )
    return next(iter(by_kind))


def refuse_unlike(directories: Sequence[RunDirectory], environments: Sequence[dict[str, Any]]) -> None:
    """Raise `UsageError` unless all runs have the fingerprint of the first: otherwise their times compare machines."""
    first, *others = environments
    for directory, other in zip(directories[1:], others, strict=True):
        if differing := environment.explained(first, other):
            raise UsageError(
                f"{directory.path} and {directories[0].path} cannot be compared: they were made in environments that "
                f"differ in {redact_text(', '.join(differing))}",
                remedy="Report each by itself, or measure two revisions side by side with harness compare",
            )
