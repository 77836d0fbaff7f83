"""Follow the users of a run on their journey, for any engine: what each calls next, and when."""

from typing import TYPE_CHECKING, Any

from harness.clock import NS_PER_S
from harness.load.calling import Calling
from harness.model import Outcome
from harness.table.calls import HEADER_BYTES, ROW_BYTES
from harness.target.journey_ends import JourneyFacts
from harness.target.journeys import Walks

if TYPE_CHECKING:
    from collections.abc import Callable

_COMPLETED = int(Outcome.COMPLETED)
Claimed = tuple[int, int, int]
"""A claimed row, its operation and its payload."""


class Walkers:
    """Users with state. Each is known by its place, the object in which it makes its calls: a greenlet, a task or a thread.

    A place has one user after the other, and each user is made before its first call. Without steps in the target's
    journey, a user of the closed model stays, and one of the open model makes one call.
    """

    def __init__(self, calling: Calling, walks: Walks) -> None:
        self.goes_on: Callable[[int], bool] = lambda _intended_ns: True
        """Function that tells if a call intended at a moment of the clock is still made; else the journey is cut."""
        self._calling = calling
        self._walks = walks
        self._append = calling.recorder.appender()
        self._step: dict[Any, int] = {}

    @property
    def walks(self) -> Walks | None:
        """The counts of the journeys; None if the target has no steps."""
        return self._walks if self._walks.steps else None

    def facts(self) -> JourneyFacts | None:
        """Return the ends of the journeys; None if the target has no steps."""
        return self._walks.facts() if self._walks.steps else None

    def enter(self, place: Any) -> None:
        """Make the first user of a place. Call it in that place, as every other method."""
        if place not in self._step:
            self.renew(place)

    def renew(self, place: Any) -> None:
        """Make the next user of a place."""
        self._step[place] = 0
        self._walks.new_user()

    def leave(self, place: Any) -> None:
        """Forget a place that will have no other user."""
        self._step.pop(place, None)

    def pause_s(self, place: Any) -> float:
        """Return the pause before the next call of a user."""
        return self._walks.steps[self._step.get(place, 0)][1]

    def claim(self, place: Any, intended_ns: int, now_ns: int, *, is_planned: bool = True) -> Claimed:
        """Claim a row for the user's next call. Not `is_planned` is a call that the plan of an open model lacks."""
        step, origin_ns = self._step[place], self._calling.origin_ns
        if not step:
            self._walks.start()
        if not is_planned and intended_ns >= origin_ns:
            self._walks.count_later_call()
        operation, _ = self._walks.steps[step]
        payload = self._walks.payload(operation, len(self._calling.work.events[operation]))
        row = self._append(operation, payload, intended_ns - origin_ns, now_ns - origin_ns)
        return row, operation, payload

    def arrive(self, place: Any) -> None:
        """Count the arrival of a user whose first call has a planned row."""
        self.enter(place)
        if self._walks.steps:
            self._walks.start()

    def went(self, place: Any, row: int) -> bool:
        """Note the end of a user's call; return True if the user has a next step."""
        if not self._walks.steps:
            return False
        completed = self._calling.recorder.map[HEADER_BYTES + row * ROW_BYTES] == _COMPLETED
        following = self._walks.went(self._step[place], completed=completed)
        self._step[place] = following or 0
        return following is not None

    def due_ns(self, place: Any, completed_ns: int) -> int | None:
        """Return when the next call is intended after one that ended, by the clock; None if the journey is cut."""
        intended_ns = completed_ns + round(self.pause_s(place) * NS_PER_S)
        return intended_ns if self.goes_on(intended_ns) else None
