"""Describe the share of child processes in profiles, where it was requested, and its gaps."""

from collections.abc import Iterable, Iterator, Sequence

from harness.profiles.facts import CpuFacts, MemoryFacts, WaitFacts
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


def children_words(facts: Iterable[CpuFacts | WaitFacts | MemoryFacts]) -> Iterator[str]:
    """Yield sentences on the child processes in the profiles of one kind, of any rounds; none unless requested."""
    every = list(facts)
    if sampled := [one for one in every if isinstance(one, CpuFacts) and one.child_samples is not None]:
        of_children = sum(one.child_samples or 0 for one in sampled)
        if of_children:
            own = f"{format_count(sum(one.kept or 0 for one in sampled) - of_children)} CPU samples are of the process itself"
            yield f"{own} and {format_count(of_children)} of child processes, below {CHILDREN} and in no operation; {_SAMPLED}"
        else:
            yield f"No CPU sample is of a child process; {_SAMPLED}{_BY_YAMA}"
    if followed := [one for one in every if isinstance(one, MemoryFacts) and one.child_processes is not None]:
        yield f"{_allocated(followed)}; {_FOLLOWED}"


def _allocated(facts: Sequence[MemoryFacts]) -> str:
    forks = sum(one.child_processes or 0 for one in facts)
    allocations = sum(one.child_allocations or 0 for one in facts)
    allocated_bytes = sum(one.child_allocated_bytes or 0 for one in facts)
    lost = sum(one.lost_children or 0 for one in facts)
    of_lost = (
        f"; {format_count(lost)} that closed memray's file, or were cut off, are left out" if lost else ""
    )
    if not forks:
        return f"No allocation of a child process is known{of_lost}"
    return (
        f"{format_count(forks)} forks made {format_count(allocations)} allocations of {format_bytes(allocated_bytes)} in all,"
        f" below {CHILDREN}, and none held more than {format_bytes(max(one.child_peak_bytes or 0 for one in facts))} of it at"
        f" once{of_lost}"
    )
