"""Lists of requests for a target whose users are on a journey: each step follows the steps before it, for the same user.

The exact drivers measure one step of many users in a row, so that each operation has its own peak of memory. Those users
make the steps before it while nothing is measured.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.errors import TargetError
from harness.processes.one_user import OneUser, Request, fixed_lists
from harness.target.events import prepare_events
from harness.target.journeys import USER, Walks
from harness.target.loading import LoadedTarget


def called(target: LoadedTarget, mix: Mapping[str, float]) -> dict[str, float]:
    """Return the operations of `mix` that the target's users call: those of their journey, if they have one."""
    steps = {step.operation for step in target.journey.steps}
    return {name: weight for name, weight in mix.items() if not steps or name in steps}


def exact_lists(
    one: OneUser, target: LoadedTarget, mix: Mapping[str, float], seed: int, count: int
) -> tuple[Iterable[Request], list[Request]]:
    """Return the warm-up and `count` requests of each operation of `mix`, as `fixed_lists` does, in the order of a journey.

    The warm-up of a journey raises `TargetError` if a user cannot reach a step that is to be measured.
    """
    if not target.journey.steps:
        return fixed_lists(target, mix, seed, count)
    travel = _Travel(one, target, seed, count)
    places = {name: [at for at, operation in enumerate(travel.steps) if operation == name] for name in mix}
    measured = [
        (places[name][turn % len(places[name])], travel.new_user()) for turn in range(count) for name in mix
    ]

    def warm_up() -> Iterator[Request]:
        yield from travel.rounds(count * len(travel.steps))
        for place, user in measured:
            yield from travel.up_to(place, user)

    requests = [travel.request(place, user, measured=True) for place, user in measured]
    return warm_up(), requests


class Rounds:
    """Calls of users who each go on a whole journey, one user after the other, for at least `count` calls."""

    def __init__(self, one: OneUser, target: LoadedTarget, seed: int, count: int) -> None:
        self._travel = _Travel(one, target, seed, count)
        self._count = count
        self.made: Counter[str] = Counter()
        """Calls by operation."""

    def __iter__(self) -> Iterator[Request]:
        """Yield the calls; one that fails ends the journey of its user."""
        for request in self._travel.rounds(self._count):
            self.made[request.operation] += 1
            yield request


class _Travel:
    def __init__(self, one: OneUser, target: LoadedTarget, seed: int, count: int) -> None:
        self._one = one
        self.steps: Sequence[str] = [step.operation for step in target.journey.steps]
        names = list(dict.fromkeys(self.steps))
        self._walks = Walks(target.journey, names, seed, 0.0)
        self._count = count
        pools = prepare_events(target, dict.fromkeys(names, 1.0), seed, dict.fromkeys(names, 2 * count))
        self._pools = dict(zip(names, pools, strict=True))
        self._turns: dict[tuple[str, bool], int] = Counter()

    def new_user(self) -> Any:
        self._walks.new_user()
        return USER.get()

    def request(self, place: int, user: Any, *, measured: bool = False) -> Request:
        """Return the request of a step. Those that are measured have other events than all before them."""
        name = self.steps[place]
        turn = self._turns[name, measured]
        self._turns[name, measured] = turn + 1
        pool = self._pools[name]
        return Request(name, pool[(turn % self._count + measured * self._count) % len(pool)], user)

    def rounds(self, count: int) -> Iterator[Request]:
        made = 0
        while made < count:
            user = self.new_user()
            for place in range(len(self.steps)):
                yield self.request(place, user)
                made += 1
                if self._one.failure:
                    break

    def up_to(self, place: int, user: Any) -> Iterator[Request]:
        for before in range(place):
            yield self.request(before, user)
            if self._one.failure:
                raise TargetError(
                    f"The journey cannot be measured step by step: step {before + 1}, '{self.steps[before]}', "
                    f"failed before step {place + 1}, '{self.steps[place]}': {self._one.failure}",
                    remedy="Correct the journey: harness run closed --users 1 names each failure",
                )
