"""Describe the input and the output of an adapter: the parts of a SPEC, and a target."""

import dataclasses
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import TargetError
from harness.requests.reading import Kind, Requests, default_request, read_requests
from harness.requests.template import Template
from harness.target.answers import EXPECT_STATUS, Judge
from harness.target.spec import RESERVED

_MOST_KEPT = 8_192


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """A SPEC `KIND:PLACE?…`: its name as text, the object at its place, and its parameters without the reserved ones.

    `requests` and `values` are the names of files; empty if none was given. `expected` are the statuses that do not count
    as failures.
    """

    text: str
    application: Any
    parameters: Mapping[str, str]
    expected: frozenset[int]
    requests: str = ""
    values: str = ""

    def refuse_parameters(self) -> None:
        """Raise `TargetError` for parameters that an application cannot be given."""
        if self.parameters:
            raise TargetError(
                f"'{self.text}' takes no parameter '{next(iter(self.parameters))}'",
                remedy=f"The parameters of an application are {', '.join((*RESERVED, EXPECT_STATUS))}; configure it in its own code or environment",
            )

    def read_requests(self, kind: Kind = Kind.HTTP, name: str = "") -> Requests:
        """Return the requests of the SPEC, or `GET /` without any; `name` is the operation of entries without a name."""
        if not self.requests:
            if self.values:
                raise TargetError(
                    "values=FILE fills the placeholders of requests, and there are none", remedy="Give requests=FILE"
                )  # fmt: skip
            return default_request()
        return read_requests(Path(self.requests), Path(self.values) if self.values else None, kind, name)


class Adapted:
    """A target that an adapter has made. `judge` judges its answers; None for the rule of answers of all targets."""

    judge: Judge | None = None
    requests: Requests | None = None
    """The requests, if they may be a journey: see `harness.target.adapters.visitors`."""
    call: Any
    make_event: Any
    make_user: Any
    journey: Any
    with_traceparent: Any
    notes: tuple[str, ...] = ()
    """Sentences that degrade a run, such as one on debug mode."""
    remarks: tuple[str, ...] = ()
    """Sentences about the requests that do not."""
    is_remote = False
    """True if calls are requests to another process: the work in this one is that of the harness's own client."""


class Events:
    """The events of a target's requests, made by `build(template, values of placeholders)`.

    With `shared` each distinct event is made once: calls cannot change it. Else each is new, for the pool to renew.
    """

    def __init__(
        self, requests: Requests, build: Callable[[Template, Mapping[str, str]], Any], *, shared: bool
    ) -> None:
        self.operations = requests.operations
        self._requests = requests
        self._build = build
        self._choosers = requests.choosers()
        self._most_kept = _MOST_KEPT if shared else 0
        self._made: dict[tuple[int, int], Any] = {}

    def make(self, operation: str, rng: random.Random) -> Any:
        """Return the next event of an operation."""
        key = self._choosers[operation](rng)
        event = self._made.get(key)
        if event is None:
            event = self._build(self._requests.templates[key[0]], self._requests.holes(key[1]))
            if len(self._made) < self._most_kept:
                self._made[key] = event
        return event
