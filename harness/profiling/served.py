"""CPU profiles of a server that the harness started: stacks of all of its processes together, by request as a whole.

No operation stands on a server's stacks: they belong to its requests in common. What the switch hook and memray see from within
the measured process does not exist for another one, and is named so.
"""

from collections import defaultdict
from collections.abc import Mapping

from harness.processes.children import descendants
from harness.profiles.capture.cpu import cpu_seconds
from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.frames import CHILD, CHILDREN
from harness.profiles.stacks.marker import MARKER_PREFIX

OPERATION = "all requests"
NO_WAITS = "No wait profile: the server is a process of its own, and its waits can be seen only from within."
NO_MEMORY = "No memory profile: memray traces the measured process, and the server is another one. Its memory over time is in the report."


def busiest(pid: int) -> int:
    """Return the process of a server's tree that has used the most CPU time so far: most servers work in child processes."""
    return max((pid, *descendants(pid)), key=lambda one: cpu_seconds(one) or 0.0)


def of_server(profile: Profile) -> Profile:
    """Return a profile by owner as one of a server: every stack under one root, whichever of its processes it is of."""
    stacks: dict[tuple[str, ...], float] = defaultdict(float)
    for stack, weight in profile.stacks.items():
        below = stack[2:] if stack[0] == CHILDREN and stack[1].startswith(CHILD) else stack[1:]
        stacks[MARKER_PREFIX + OPERATION, *below] += weight
    return Profile(profile.unit, dict(stacks), profile.lines)


def requests_of(requests: Mapping[str, int]) -> dict[str, int]:
    """Return the requests behind such a profile."""
    return {OPERATION: sum(requests.values())}
