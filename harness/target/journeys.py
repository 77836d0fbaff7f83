"""Describe the journey of a target's users, and count how the journeys of a run end."""

import contextvars
import dataclasses
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.errors import TargetError
from harness.model import HasJourney, MakesUsers
from harness.target.importing import told
from harness.target.journey_ends import JourneyFacts

_MOST_STEPS = 1_000
USER: contextvars.ContextVar[Any] = contextvars.ContextVar("harness_user", default=None)
"""The user for whom this greenlet, task or thread makes calls."""


class HidesSecrets:
    """A user that knows secrets, which no message may contain."""

    __slots__ = ()

    def hide(self, text: str) -> str:
        """Return a text without this user's secrets."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One call of a journey; `pause_s` is the pause before it, None for the user's think time."""

    operation: str
    pause_s: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Journey:
    """The users of a target. Without steps, a user's calls are drawn by weight, as those of any target."""

    steps: tuple[Step, ...] = ()
    make_user: Callable[[random.Random], Any] | None = None

    @property
    def has_users(self) -> bool:
        """Return True if the target has users or steps, so that its calls belong to somebody."""
        return self.make_user is not None or bool(self.steps)


def journey_of(text: str, target: Any, operations: Mapping[str, float]) -> Journey:
    """Return the journey of a target. Raises `TargetError` for steps that are not operations of the target."""
    make_user = target.make_user if isinstance(target, MakesUsers) else None
    steps = tuple(_step(text, one) for one in target.journey) if isinstance(target, HasJourney) else ()
    for step in steps:
        if step.operation not in operations:
            raise TargetError(
                f"The journey of target '{text}' has a step '{step.operation}', which is no operation of it",
                remedy=f"It offers: {', '.join(operations)}",
            )
    if len(steps) > _MOST_STEPS:
        raise TargetError(
            f"The journey of target '{text}' has {len(steps):,} steps; the most is {_MOST_STEPS:,}",
            remedy="Shorten it",
        )
    return Journey(steps, make_user)


def _step(text: str, declared: Any) -> Step:
    operation, pause_s = (
        declared if isinstance(declared, tuple | list) and len(declared) == 2 else (declared, None)
    )
    is_pause = pause_s is None or (
        isinstance(pause_s, int | float) and not isinstance(pause_s, bool) and 0 <= pause_s <= 86_400
    )
    if not isinstance(operation, str) or not is_pause:
        raise TargetError(
            f"The journey of target '{text}' has a step that cannot be read: {declared!r:.80}",
            remedy='Write an operation, or an operation with the pause before it in s: ["login", ("browse", 1.5)]',
        )
    return Step(operation, pause_s)


class Walks:
    """The journeys of one run: makes users, and counts how their journeys end. Threads may share it."""

    def __init__(self, journey: Journey, names: Sequence[str], seed: int, think_time_s: float) -> None:
        numbers = {name: number for number, name in enumerate(names)}
        self.steps = [
            (numbers[step.operation], think_time_s if step.pause_s is None else step.pause_s)
            for step in journey.steps
        ]
        """(operation, pause before it in s), in order; empty if calls are drawn by weight."""
        self._users = self.started = self.completed = self.later_calls = 0
        """Journeys started and completed, and calls after the first of a journey, intended in the measured time."""
        self.abandoned = [0] * len(self.steps)
        """Journeys that ended with a call that did not complete, by step."""
        self._names = names
        self._make_user = journey.make_user
        self._seed = seed
        self._turns = [0] * len(names)
        self._lock = threading.Lock()

    def new_user(self) -> None:
        """Make a user for this greenlet, task or thread. Raises `TargetError`."""
        with self._lock:
            self._users += 1
            number = self._users
        if self._make_user is not None:
            with told("The target could not make a user", "Correct its make_user"):
                USER.set(self._make_user(random.Random(f"{self._seed}:user:{number}")))

    def payload(self, operation: int, events: int) -> int:
        """Return the number of the next event of an operation that has `events` of them."""
        with self._lock:
            turn = self._turns[operation]
            self._turns[operation] = turn + 1
        return turn % events

    def start(self) -> None:
        """Count the start of a journey."""
        with self._lock:
            self.started += 1

    def went(self, step: int, *, completed: bool) -> int | None:
        """Note the end of a call of a step; return the next step, or None if the journey has ended."""
        with self._lock:
            if not completed:
                self.abandoned[step] += 1
            elif step + 1 < len(self.steps):
                return step + 1
            else:
                self.completed += 1
        return None

    def count_later_call(self) -> None:
        """Count a call after the first of a journey, if it was intended in the measured time."""
        with self._lock:
            self.later_calls += 1

    def facts(self) -> JourneyFacts:
        """Return the counts."""
        return JourneyFacts(
            steps=[self._names[operation] for operation, _ in self.steps],
            started=self.started,
            completed=self.completed,
            abandoned=list(self.abandoned),
            later_calls=self.later_calls,
        )


def without_secrets(text: str) -> str:
    """Return a text without the secrets of the current user."""
    user = USER.get()
    return user.hide(text) if isinstance(user, HidesSecrets) else text


def for_user(call: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """Return the call of the current user: of one event, as drivers call it."""
    user = USER.get

    def call_for_user(event: Any) -> Any:
        return call(event, user())

    return call_for_user


def for_user_async(call: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """Return the same as an async function."""
    user = USER.get

    async def call_for_user(event: Any) -> Any:
        return await call(event, user())

    return call_for_user
