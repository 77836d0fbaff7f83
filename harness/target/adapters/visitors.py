"""The users of a file of requests that is a journey: each has its values, its cookies, and what it has saved.

The steps are prepared before the calls. Inside a call, the adapter fills what waits for saved values, sends the cookies, and
takes cookies and saved values from the response: about 4 µs a step beyond a request without a user under WSGI, 6 µs under
ASGI, 8 µs for Lambda. `make bench-self` prints the costs.
"""

import dataclasses
import itertools
import os
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from harness.errors import RefusedError
from harness.redaction.patterns import is_secret
from harness.redaction.redact import hide_secrets
from harness.requests.late import marks
from harness.requests.reading import Requests
from harness.requests.saving import Save
from harness.requests.steps import saved_before
from harness.requests.template import Template
from harness.target.adapters.asked import Adapted
from harness.target.adapters.cookies import Jar
from harness.target.journeys import HidesSecrets
from harness.target.spec import WORKER_VARIABLE

_MOST_KEPT = 8_192
_SAME = re.compile(r"[A-Za-z0-9]+")
SET_COOKIE = "set-cookie"
Event = str | tuple[str, str]
"""Operation of a step, alone or with the value of its header `traceparent`."""
Prepare = Callable[[Template, Mapping[str, str], Sequence[str]], Any]
"""Function from (template, holes with marks, names of the marked values) to what an adapter fills."""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One call of a journey for one row of values. `prepared` is the adapter's."""

    operation: str
    saves: tuple[Save, ...]
    reads_body: bool
    expected: frozenset[int]
    prepared: Any


class Visitor(HidesSecrets):
    """One user on the journey; its steps are called in their order."""

    __slots__ = ("_secrets", "_steps", "_turn", "jar", "saved", "traceparent")

    def __init__(self, steps: Sequence[Step], secrets: Iterable[str]) -> None:
        self._steps = steps
        self._turn = 0
        self._secrets = secrets
        self.jar = Jar()
        self.saved: dict[str, str] = {}
        self.traceparent = ""
        """Value of that header for the step; empty in a run without it."""

    def step(self, event: Event) -> Step:
        """Return the user's next step, a call of the operation in `event`. Raises `RefusedError` if it is not that."""
        operation, self.traceparent = event if type(event) is tuple else (event, "")
        turn = self._turn
        if turn >= len(self._steps) or (step := self._steps[turn]).operation != operation:
            raise RefusedError(
                f"Operation '{operation}' was called outside of its journey",
                remedy="Let the harness drive the journey: harness run, profile or capacity",
            )
        self._turn = turn + 1
        return step

    def keep(self, saves: Sequence[Save], headers: Iterable[tuple[str, str]], read: Callable[[], Any]) -> str:
        """Take cookies and saved values from a response; return why a value is missing, or an empty text.

        `read` returns the JSON document of the body; it is called only for a save from the body.
        """
        found: dict[str, str] = {}
        for name, value in headers:
            if len(name) == len(SET_COOKIE) and name.lower() == SET_COOKIE:
                self.jar.take(value)
            elif saves:
                found.setdefault(name.lower(), value)
        document: Any = None
        for number, save in enumerate(saves):
            if save.path is not None:
                if number == 0 or document is None:
                    try:
                        document = read()
                    except (msgspec.DecodeError, ValueError, RecursionError):
                        return save.missing("the body is not JSON")
                value, why = save.of_json(document)
            elif save.header:
                value = found.get(save.header, "")
                why = "" if value else save.missing(f"the response has no header '{save.header}'")
            else:
                value = self.jar.get(save.cookie)
                why = "" if value else save.missing(f"the user has no cookie '{save.cookie}'")
            if why:
                return why
            self.saved[save.name] = value
        return ""

    def hide(self, text: str) -> str:
        """Return a text without what the user has saved, its cookies, and the secrets among its values."""
        secrets = (*self.saved.values(), *self.jar.values(), *self._secrets)
        # Letters and digits are the same in each spelling. Hiding costs a hundred times this look, in the call that prints.
        there = [secret for secret in secrets if max(_SAME.findall(secret), key=len, default="") in text]
        return hide_secrets(text, there) if there else text


class Visits:
    """The journey of a target, and its users. Each user has the next row of the file of values, for the whole journey."""

    def __init__(self, requests: Requests, expected: frozenset[int], prepare: Prepare) -> None:
        """`expected` are the statuses of a step that expects none itself."""
        self.journey: list[Any] = [
            one.operation if one.pause_s is None else (one.operation, one.pause_s)
            for one in requests.templates
        ]
        self._requests = requests
        self._expected = expected
        self._prepare = prepare
        self._names = [sorted(saved) for saved in saved_before(requests.templates)]
        columns = set(requests.values.columns)
        self._uses_values = [
            not one.values.difference(names).isdisjoint(columns)
            for one, names in zip(requests.templates, self._names, strict=True)
        ]
        self._turns = itertools.count()
        self._made: dict[tuple[int, int], Step] = {}
        # Several workers do not all begin with the same row.
        worker = os.environ.get(WORKER_VARIABLE)
        self._first = random.Random(worker).randrange(len(requests.values.rows)) if worker else 0

    def attach(self, target: Adapted, call: Callable[[Event, Visitor], Any]) -> None:
        """Make an adapted target one whose users are on this journey; `call` takes an event and a user."""
        target.call = call
        target.make_event = self.make_event
        target.make_user = self.make_user
        target.journey = self.journey
        target.with_traceparent = lambda event, value: (event, value)

    def make_event(self, operation: str, _rng: random.Random) -> str:
        """Return the operation: the user knows its request."""
        return operation

    def make_user(self, _rng: random.Random) -> Visitor:
        """Return a new user, with its steps prepared."""
        rows = self._requests.values.rows
        row = (self._first + next(self._turns)) % len(rows)
        steps = [self._step(number, row) for number in range(len(self._names))]
        secrets = [value for name, value in rows[row].items() if is_secret(name, value)]
        return Visitor(steps, secrets)

    def _step(self, number: int, row: int) -> Step:
        key = number, row if self._uses_values[number] else 0
        step = self._made.get(key)
        if step is None:
            step = self._new_step(*key)
            if len(self._made) < _MOST_KEPT:
                self._made[key] = step
        return step

    def _new_step(self, number: int, row: int) -> Step:
        template, names = self._requests.templates[number], self._names[number]
        return Step(
            operation=template.operation,
            saves=template.save,
            reads_body=any(save.path is not None for save in template.save),
            expected=self._expected if template.expect is None else template.expect,
            prepared=self._prepare(template, {**self._requests.holes(row), **marks(names)}, names),
        )
