"""Follow a test of Locust as a whole: its users alive over time, the end of the ramp-up, and the steps of its shape."""

import locust  # noqa: F401  # isort: skip
from typing import Any

import gevent

from harness.clock import wall_s
from harness.load.locust.steps import LEAST_S, Carried, stages

_LOOK_S = 0.05
_MOST_POINTS = 2_000
_LEAST_RAMP_S = 0.01


class Scenes:
    """One test, from its start."""

    def __init__(self, environment: Any) -> None:
        self._runner = environment.runner
        self._events = environment.events
        self._started_s = wall_s()
        self.is_ramped = False
        """True once all users of the first step were started."""
        self._steps: list[tuple[float, str]] = []
        self._alive: list[tuple[float, int]] = []
        self._most = 1
        self._events.spawning_complete.add_listener(self._on_spawned)
        self._looking = gevent.spawn(self._look)

    def _on_spawned(self, user_count: int, **_: Any) -> None:
        self._most = max(self._most, user_count)
        self._note()
        self.is_ramped = True

    def _look(self) -> None:
        while True:
            self._note()
            gevent.sleep(_LOOK_S)

    def _note(self) -> None:
        now_s, alive, label = wall_s(), self._runner.user_count, self._label()
        self._most = max(self._most, alive)
        if not self._alive or self._alive[-1][1] != alive:
            self._alive.append((now_s, alive))
            if len(self._alive) > _MOST_POINTS:
                self._alive = self._alive[::2]
        if not self._steps or self._steps[-1][1] != label:
            self._steps.append((now_s, label))

    def _label(self) -> str:
        runner = self._runner
        count = runner.target_user_count
        users = f"{count} user{'' if count == 1 else 's'}"
        tick = runner.shape_last_tick
        named = tick[2] if tick and len(tick) > 2 and tick[0] == runner.target_user_count else None
        return f"{users} of {', '.join(user.__name__ for user in named)}" if named else users

    def close(self) -> None:
        """Look no more."""
        self._looking.kill(block=False)
        self._events.spawning_complete.remove_listener(self._on_spawned)

    def carried(self, zero_unix_s: float | None, duration_s: float, workers: int) -> Carried:
        """Return the load of the test; `zero_unix_s` is its time zero on the wall clock, None if nothing is known of it."""
        zero_s = self._started_s if zero_unix_s is None else zero_unix_s
        ramp_s = zero_s - self._started_s if self.is_ramped else 0.0
        duration_s = max(round(duration_s, 3), LEAST_S)
        return Carried(
            duration_s=duration_s,
            users=max(self._most, self._runner.user_count),
            workers=workers,
            ramp_s=round(ramp_s, 3) if ramp_s > _LEAST_RAMP_S else 0.0,
            stages=stages([(at_s - zero_s, label) for at_s, label in self._steps], duration_s),
        )

    def alive(self, zero_unix_s: float | None) -> list[tuple[float, int]]:
        """Return the users alive from time to time, in s from time zero."""
        zero_s = self._started_s if zero_unix_s is None else zero_unix_s
        return [(round(at_s - zero_s, 3), users) for at_s, users in self._alive]
