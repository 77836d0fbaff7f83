"""What profiles have of child processes, where those were asked for, and what they cannot have."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.profiles.stacks.frames import CHILDREN
from harness.units import format_bytes, format_count

_SAMPLED = (
    "py-spy reads Python programs alone and looks for new ones every 0.1 s: the first moments of each, and the whole of"
    " short ones, are missing"
)
_BY_YAMA = (
    ", and where kernel.yama.ptrace_scope is 1 or more it may read none but copies of the measured process"
)
_FOLLOWED = "memray follows forks, and none that executes another program"


def children_words(facts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield sentences on the child processes in the profiles of one kind, of one round or several; none where nobody asked."""
    if sampled := [one for one in facts if "child_samples" in one]:
        kept, of_children = (_sum(sampled, name) for name in ("kept", "child_samples"))
        if of_children:
            own = f"{format_count(kept - of_children)} CPU samples are of the process itself"
            yield f"{own} and {format_count(of_children)} of child processes, below {CHILDREN} and in no operation; {_SAMPLED}"
        else:
            yield f"No CPU sample is of a child process; {_SAMPLED}{_BY_YAMA}"
    if followed := [one for one in facts if "child_processes" in one]:
        yield f"{_allocated(followed)}; {_FOLLOWED}"


def _allocated(facts: Sequence[Mapping[str, Any]]) -> str:
    names = ("child_processes", "child_allocations", "child_allocated_bytes", "lost_children")
    forks, allocations, allocated_bytes, lost = (_sum(facts, name) for name in names)
    of_lost = (
        f"; {format_count(lost)} that closed memray's file, or were cut off, are left out" if lost else ""
    )
    if not forks:
        return f"No allocation of a child process is known{of_lost}"
    return (
        f"{format_count(forks)} forks made {format_count(allocations)} allocations of {format_bytes(allocated_bytes)} in all,"
        f" below {CHILDREN}, and none held more than {format_bytes(max(one['child_peak_bytes'] for one in facts))} of it at"
        f" once{of_lost}"
    )


def _sum(facts: Sequence[Mapping[str, Any]], name: str) -> int:
    return sum(one.get(name, 0) for one in facts)
