"""One user who makes fixed lists of requests: the common base of the exact drivers.

The lists are drawn from the seed alone, so that the same seed makes the same requests on every side and in every
process. A list for an asynchronous target is one coroutine, so that the event loop's start and stop are no cost of a call.
Drivers collect garbage explicitly only: a collection empties the interpreter's free lists at a moment
that depends on everything the process did before.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harness.errors import RefusedError, TargetError
from harness.model import Outcome
from harness.processes.job import Job
from harness.profiles.stacks.marker import running
from harness.run.directory import write_document
from harness.target.carrying import Carrier
from harness.target.eventloop import forget_cancellation
from harness.target.events import prepare_events
from harness.target.failures import Failure, Failures
from harness.target.journeys import USER, Walks
from harness.target.loading import LoadedTarget, open_target
from harness.target.refusals import Results
from harness.target.renewing import give_back, taken


class Request(NamedTuple):
    """An operation, an entry of the pool of its events, and the user who calls it, if users have state."""

    operation: str
    entry: Any
    user: Any = None


_NONE = object()
"""Stand-in for the result of a call that raised."""


class OneUser:
    """User that opens the target and makes requests one after the other, each under the marker of its operation."""

    def __init__(self, target: LoadedTarget, carrier: Carrier) -> None:
        self._target = target
        self._carrier = carrier
        self._names = list(target.operations)
        self._results = {name: Results(name) for name in self._names}
        self.failure = ""
        """Reason why the last call failed; empty if it completed."""

    def open(self) -> None:
        """Hook into the target's executors and open it."""
        self._target.instrument(self._carrier.bind)
        open_target(self._target)

    def warm_up(self, requests: Iterable[Request]) -> None:
        """Make requests that do not count. A worker thread that one of them starts belongs to no call."""
        self._make(requests, Failures(), is_carried=False)

    def make_all(self, requests: Iterable[Request]) -> list[Failure]:
        """Make the requests; return the failed ones with reasons: raised, timed out, or judged failed. No times are measured.

        Raises `RefusedError` for a result that cannot be measured.
        """
        failures = Failures()
        self._make(requests, failures, is_carried=True)
        return failures.found(self._names)

    def _make(self, requests: Iterable[Request], failures: Failures, *, is_carried: bool) -> None:
        if self._target.is_async:
            # In one coroutine: starting and stopping the loop for each call would be a cost of each call.
            self._target.loop.run_to_end(self._await_each(requests, failures, is_carried=is_carried))
            return
        for operation, entry, user in requests:
            USER.set(user)
            event, call = taken(entry), self._target.call
            result: Any = _NONE
            try:
                result = self._carrier.run(running(operation), call, event) if is_carried else call(event)
            except RefusedError:
                raise
            except BaseException as error:  # noqa: BLE001 - whatever the target raises is its outcome
                failures.raised(error)
            finally:
                give_back(entry, event)
            self._judge(operation, result, failures)

    async def _await_each(self, requests: Iterable[Request], failures: Failures, *, is_carried: bool) -> None:
        for operation, entry, user in requests:
            USER.set(user)
            event, call = taken(entry), self._target.call
            result: Any = _NONE
            try:
                if is_carried:
                    result = await self._carrier.awaited(running(operation), call, event)
                else:
                    result = await call(event)
            except RefusedError:
                raise
            except BaseException as error:  # noqa: BLE001 - as above
                failures.raised(error)
            finally:
                await forget_cancellation()
                give_back(entry, event)
            self._judge(operation, result, failures)

    def _judge(self, operation: str, result: Any, failures: Failures) -> None:
        self.failure = ""
        if not self._succeeded(operation, result, failures):
            self.failure = failures.why
            failures.count(self._names.index(operation), Outcome.FAILED, 0)
        judge = self._target.judge
        if judge and judge.fault:
            raise TargetError(judge.fault, remedy="Correct the target: its answers cannot be judged")

    def _succeeded(self, operation: str, result: Any, failures: Failures) -> bool:
        if result is _NONE:
            return False
        results = self._results[operation]
        if type(result) not in results.finished:
            results.check(result)
        judge = self._target.judge
        if judge is None or judge(result, operation) == Outcome.COMPLETED:
            return True
        failures.answered(judge.reason(result, operation))
        return False


class OneUserDriver:
    """Carries out a job with one user's fixed lists; a subclass defines in `drive` how they are used."""

    FACTS = "facts.json"
    """File that `drive` writes into the job's folder."""

    def __init__(self, job: Job, target: LoadedTarget, carrier: Carrier) -> None:
        self._job = job
        self._target = target
        self._user = OneUser(target, carrier)
        self._loop = target.loop if target.is_async else None

    def open(self) -> None:
        """Hook into the target's executors and open it."""
        self._user.open()

    def _write(self, facts: msgspec.Struct) -> None:
        write_document(Path(self._job.folder) / self.FACTS, facts)


def one_for_all(target: LoadedTarget, seed: int) -> Any:
    """Return a user who makes all calls, for a target whose users have state but no journey; None for any other target."""
    if target.journey.steps or not target.journey.has_users:
        return None
    Walks(target.journey, [], seed, 0.0).new_user()
    return USER.get()


def fixed_lists(
    target: LoadedTarget, mix: Mapping[str, float], seed: int, count: int
) -> tuple[list[Request], list[Request]]:
    """Return two lists with `count` requests of each operation of `mix`, the operations in turn: warm-up, and the rest.

    The events of the second list are not those of the first: repeating them would find every cache full, which no user
    does. Raises `TargetError` for an operation that the target does not offer.
    """
    for name in mix:
        if name not in target.operations:
            raise TargetError(
                f"The target does not offer operation '{name}'",
                remedy=f"It offers: {', '.join(target.operations)}",
            )
    needed = dict.fromkeys(mix, 2 * count)
    events = prepare_events(target, mix, seed, needed)
    user = one_for_all(target, seed)
    requests = [
        Request(name, own[turn % len(own)], user)
        for turn in range(2 * count)
        for name, own in zip(mix, events, strict=True)
    ]
    half = count * len(mix)
    return requests[:half], requests[half:]
