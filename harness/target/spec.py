"""Parse the SPEC of a target: `NAME?key=value&…`, `PLACE?…` of a factory, or `KIND:PLACE?…`; values are text.

A PLACE is `path/to/file.py:name` or `package.module:name`. KIND says what stands there instead of a factory: a function to
`call`, a `wsgi` or `asgi` application, a `lambda` handler. A URL of a server is a SPEC too: its scheme is the KIND.
"""

import dataclasses
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

from harness.errors import UsageError
from harness.model import Engine
from harness.redaction.patterns import HIDDEN
from harness.redaction.redact import learn_parameters, redact_text
from harness.target.client.address import CA

HTTP = "http"
SERVE = "serve"
KINDS = ("call", "wsgi", "asgi", "lambda", HTTP, SERVE)
"""Kinds of what is adapted to targets: objects in the user's code, and servers by their URL."""
_SCHEMES = ("http://", "https://")
FORMS = (
    ("call:PLACE", "a function, sync or async; parameters are its keyword arguments"),
    ("wsgi:PLACE", "a WSGI application, called in-process: Flask, Django, Bottle"),
    ("asgi:PLACE", "an ASGI application, called in-process: FastAPI, Starlette, Django"),
    ("lambda:package.module.handler", "an AWS Lambda handler; its events come from --requests"),
    ("http://HOST:PORT", "a server that runs already, also https://"),
    ("serve:NAME", "a server that the harness starts, of [tool.harness.servers.NAME]"),
    ("PLACE", "a factory of an object with call(event)"),
)
"""The forms of a SPEC for what is the user's own, each with its meaning; PLACE is `package.module:name` or `file.py:name`."""
REQUESTS, VALUES, ENGINE = "requests", "values", "engine"
RESERVED = (REQUESTS, VALUES, ENGINE)
"""Parameters for the harness itself; neither a factory nor a called function gets them."""

WORKER_VARIABLE = "HARNESS_WORKER"
"""Environment variable with a worker's number, for targets that distinguish workers."""


def kind_and_place(name: str) -> tuple[str, str]:
    """Return (KIND, PLACE) of a SPEC's name; the KIND of a factory is empty.

    The place of a Lambda handler may have AWS's dotted form `package.module.handler`; that of a server is its URL.
    """
    if name[:8].lower().startswith(_SCHEMES):
        return HTTP, name
    kind, _, place = name.partition(":")
    if kind not in KINDS:
        return "", name
    if kind == "lambda" and ":" not in place:
        module, _, function = place.rpartition(".")
        place = f"{module.replace('/', '.')}:{function}"
    return kind, place


def with_absolute_files(parameters: Mapping[str, str], name: str = "") -> dict[str, str]:
    """Return the parameters of the target called `name` with absolute names of files.

    Some processes that read them have another current folder.
    """
    known = (REQUESTS, VALUES, *([CA] if kind_and_place(name)[0] == HTTP else []))
    return {
        **parameters,
        **{key: str(Path(parameters[key]).absolute()) for key in known if parameters.get(key)},
    }


def first_engine(name: str, parameters: Mapping[str, str]) -> Engine:
    """Return the engine with which a measured process starts; the target may turn out to need another.

    Raises `UsageError` for an engine that does not exist.
    """
    wanted, kind = parameters.get(ENGINE), kind_and_place(name)[0]
    if wanted is None:
        return Engine.ASYNCIO if kind == "asgi" else Engine.GEVENT
    if wanted not in set(Engine):
        raise UsageError(f"There is no engine '{wanted}'", remedy=f"Choose from: {', '.join(Engine)}")
    if kind == HTTP and wanted == Engine.ASYNCIO:
        raise UsageError(
            "The HTTP client of the harness runs in greenlets or threads, not under asyncio",
            remedy="Remove --engine, or choose gevent or threads",
        )
    return Engine(wanted)


@dataclasses.dataclass(frozen=True, slots=True)
class TargetSpec:
    """A parsed SPEC."""

    name: str
    parameters: Mapping[str, str]

    @property
    def is_factory(self) -> bool:
        """True if the name is a place in the user's code or the URL of a server, False if it is a name of the registry."""
        kind, place = kind_and_place(self.name)
        if kind:
            return True
        module, _, function = place.rpartition(":")
        return module.endswith(".py") or (function.isidentifier() and module not in {"", "known"})

    @property
    def text(self) -> str:
        """SPEC as text."""
        query = urllib.parse.urlencode(self.parameters)
        return f"{self.name}?{query}" if query else self.name

    @property
    def shown(self) -> str:
        """SPEC for storing and showing: secrets are hidden, and different secrets look different."""
        return redact_text(self.text)


def parse_spec(text: str) -> TargetSpec:
    """Parse a SPEC. Raises `UsageError` for a parameter without a value, given twice, or with a hidden secret."""
    name, _, query = text.partition("?")
    try:
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError as error:
        raise UsageError(
            f"The parameters of target '{text}' cannot be read",
            remedy="Write them as ?key=value&other=value",
        ) from error
    if len(dict(pairs)) < len(pairs):
        raise UsageError(f"Target '{text}' has a parameter twice", remedy="Give each parameter once")
    # A SPEC copied from a report: the placeholder would be used as the secret.
    if hidden := [parameter for parameter, value in pairs if HIDDEN in value]:
        raise UsageError(
            f"Target '{name}' has a hidden secret in its parameter '{hidden[0]}'",
            remedy=f"Write the secret itself where {HIDDEN} stands",
        )
    learn_parameters(dict(pairs))
    return TargetSpec(name, dict(pairs))
