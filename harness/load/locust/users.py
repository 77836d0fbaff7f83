"""Follow the users of one test: what each is doing, when its next task is due, and which users were lost.

A user with `constant_pacing` or `constant_throughput` has a plan: its next task is due one pace after the last began.
If a task takes longer than the pace, the next one begins late by the rest, and those due in between are never made.
Any other user plans to go on when its wait ends; it begins late if the loop was busy then.
"""

import array
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

from harness.clock import NS_PER_S
from harness.run.client_facts import Paced
from harness.table.aside import Aside

_PACING = "constant_pacing.<locals>."


class UserState:
    """One user: its part of life, and the due time of its next call."""

    __slots__ = (
        "aside",
        "begun_ns",
        "ended_by",
        "is_asked",
        "is_waiting",
        "lag_host_ns",
        "lag_ns",
        "lag_target_ns",
        "pace_ns",
        "tasks",
        "users",
    )

    def __init__(self, users: "Users") -> None:
        self.users = users
        self.tasks: type | None = None
        """Set of tasks whose pace is known."""
        self.aside = int(Aside.ON_START)
        self.begun_ns = 0
        """Begin of the running task by the user's plan; 0 before the first."""
        self.lag_ns = self.lag_target_ns = self.lag_host_ns = 0
        """Delay of the first call after a wait: how late the user went on, and the parts by the target and the host.

        What the task does before that call is the script's own time.
        """
        self.pace_ns = 0
        self.is_waiting = False
        self.ended_by = "StopUser"
        """Name of the exception by which the user ended itself."""
        self.is_asked = False
        """True once Locust has asked the user to stop."""


class Users:
    """The users of one process in one test; `states` is by greenlet."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self.states: dict[object, UserState] = {}
        self.started = 0
        self.lost: Counter[str] = Counter()
        self.has_ended = False
        self.causes: Callable[[int, int], tuple[int, int]] = _nobody
        """Function from two times to the parts of the time between that the target and the host caused."""
        self._paces: dict[tuple[type, type], int] = {}
        # Begin of each paced task; and pairs of a time and the number of tasks that were never made before it.
        self._made = array.array("q")
        self._never_made = array.array("q")

    def enter(self, me: object) -> UserState:
        """Note that a user starts."""
        self.started += 1
        state = self.states[me] = UserState(self)
        return state

    def leave(self, me: object, state: UserState, error: BaseException | None) -> None:
        """Note that a user has ended, by itself or by an exception that Locust does not catch."""
        self.states.pop(me, None)
        if state.is_asked or self.has_ended:
            return
        if error is None:
            self.lost[f"ended by {state.ended_by}"] += 1
        else:
            where = {Aside.ON_START: "on_start", Aside.ON_STOP: "on_stop"}.get(Aside(state.aside), "a task")
            self.lost[f"{where} raised {type(error).__name__}"] += 1

    def begin_task(self, state: UserState) -> None:
        """Note that the user has started: its first task begins. Sets of tasks do not count."""
        state.aside = int(Aside.NOT)
        state.begun_ns = self._now_ns()

    def wait(self, state: UserState, tasks: Any, seconds: Any, sleep: Callable[[Any, Any], None]) -> None:
        """Let a user wait with `sleep(tasks, seconds)`, and note when its next call is due."""
        now_ns = self._now_ns()
        # Whatever else a wait is, Locust refuses it itself.
        is_time = isinstance(seconds, (int, float)) and 0 <= seconds < math.inf
        wait_ns = int(seconds * NS_PER_S) if is_time else 0
        kind = type(tasks)
        if kind is not state.tasks:
            state.tasks, state.pace_ns = kind, self.pace_of(kind, type(tasks.user))
        if state.pace_ns:
            self._wait_for_pace(state, now_ns, wait_ns, lambda: sleep(tasks, seconds))
            return
        sleep(tasks, seconds)
        self._go_on(state, now_ns + wait_ns, now_ns)

    def _wait_for_pace(self, state: UserState, now_ns: int, wait_ns: int, sleep: Callable[[], None]) -> None:
        pace_ns, due_ns = state.pace_ns, now_ns + wait_ns
        if not wait_ns and state.begun_ns:
            due_ns = min(state.begun_ns + pace_ns, now_ns)
        state.begun_ns = max(due_ns, now_ns)
        state.is_waiting = True
        try:
            sleep()
        finally:
            state.is_waiting = False
        self._go_on(state, due_ns, now_ns)
        self._made.append(state.begun_ns)
        if missed := (now_ns - due_ns) // pace_ns if due_ns < now_ns else 0:
            self._never_made.extend((now_ns, missed))

    def _go_on(self, state: UserState, due_ns: int, waited_from_ns: int) -> None:
        """Note how late a user goes on after its wait: its last task took too long, or the loop was busy, or the host."""
        woken_ns = self._now_ns()
        state.lag_ns = max(woken_ns - due_ns, 0)
        by_task_ns = max(waited_from_ns - due_ns, 0)
        late_from_ns = due_ns + by_task_ns
        held_ns, host_ns = self.causes(late_from_ns, woken_ns) if woken_ns > late_from_ns else (0, 0)
        state.lag_target_ns, state.lag_host_ns = by_task_ns + held_ns, host_ns

    def pace_of(self, tasks: type, user: type) -> int:
        """Return the pace of a user's tasks in ns, 0 without one: that of the set of tasks, or else of the user."""
        key = (tasks, user)
        if key not in self._paces:
            own = getattr(tasks, "wait_time", None)
            self._paces[key] = pace_ns(own) or (
                pace_ns(getattr(user, "wait_time", None)) if _is_locusts(own) else 0
            )
        return self._paces[key]

    def paced(self, from_ns: int, ended_ns: int) -> Paced | None:
        """Return the tasks that were made and never made between two times of the clock; None if no user has a pace."""
        if not any(self._paces.values()):
            return None
        missed = sum(
            self._never_made[place + 1]
            for place in range(0, len(self._never_made), 2)
            if from_ns < self._never_made[place] <= ended_ns
        )
        # Users whose last task still runs have missed some too.
        missed += sum(
            max(ended_ns - max(state.begun_ns, from_ns), 0) // state.pace_ns
            for state in self.states.values()
            if state.pace_ns and not state.is_waiting
        )
        made = sum(from_ns <= begun_ns <= ended_ns for begun_ns in self._made)
        return Paced(made=made, never_made=missed)


def _nobody(_from_ns: int, _to_ns: int) -> tuple[int, int]:
    return 0, 0


def _is_locusts(wait_time: Any) -> bool:
    """Return True for the `wait_time` of a set of tasks that has none of its own: it asks the user."""
    return getattr(wait_time, "__module__", "") == "locust.user.task"


def pace_ns(wait_time: Any) -> int:
    """Return the pace of a `wait_time` made by `constant_pacing` or `constant_throughput`, in ns; 0 for any other."""
    if not getattr(wait_time, "__qualname__", "").startswith(_PACING):
        return 0
    cells = dict(zip(wait_time.__code__.co_freevars, wait_time.__closure__ or (), strict=False))
    try:
        return max(int(cells["wait_time"].cell_contents * NS_PER_S), 0)
    except (KeyError, TypeError, ValueError):
        return 0
