"""Recognise WSGI and ASGI applications, and judge their responses."""

import http
import inspect
import sys
from typing import Any

from harness.errors import TargetError
from harness.model import Outcome
from harness.requests.reading import Requests
from harness.target.answers import Judge, rule_of

_COMPLETED, _FAILED = int(Outcome.COMPLETED), int(Outcome.FAILED)
_DEEPEST = 5
_NAMES = {"wsgi": "a WSGI", "asgi": "an ASGI"}
_KINDS = {"environ": "wsgi", "env": "wsgi", "scope": "asgi"}
"""Kinds of applications, by the usual names of their first parameters."""


class Rejected:
    """An answer that is a failure, with the reason. An answer that is none is None."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


def judge_responses(expected: frozenset[int], requests: Requests) -> Judge:
    """Return the judge of answers that are None or `Rejected`; `expected` is for requests that expect nothing themselves."""
    rule = response_rule(expected, requests)
    return Judge(
        lambda answer: _FAILED if type(answer) is Rejected else _COMPLETED,
        lambda answer: str(answer.reason),
        {type(None)},
        lambda: rule,
    )


def response_rule(expected: frozenset[int], requests: Requests) -> str:
    """Return the rule by which responses are judged, as a sentence."""
    own = any(one.expect is not None for one in requests.templates)
    return rule_of(expected) + (", unless a request expects other statuses" if own else "")


def with_phrase(status: int) -> str:
    """Return a status with the words that HTTP has for it: `500 Internal Server Error`."""
    try:
        return f"{status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def check_application(text: str, application: Any, kind: str, arguments: tuple[str, ...]) -> None:
    """Raise `TargetError` for an object that cannot be called as an application of this kind with these arguments.

    Nothing is called to find out: a function without required parameters is a factory of applications.
    """
    place = text.partition(":")[2]
    if not callable(application):
        raise TargetError(
            f"'{text}' is an object of class {type(application).__qualname__}, not an application",
            remedy="Name the application after the colon",
        )
    try:
        parameters = list(inspect.signature(application).parameters.values())
    except (TypeError, ValueError):
        return
    takes_any = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    positional = [one for one in parameters if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD}]
    needed = [
        one.name for one in parameters
        if one.default is one.empty and one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}
    ]  # fmt: skip
    if not needed and not takes_any:
        raise TargetError(f"'{place}' is a factory of applications", remedy=f"Call it in the SPEC: {text}()")
    other = _KINDS.get(needed[0], kind) if needed else kind
    if other != kind:
        raise TargetError(f"'{place}' is {_NAMES[other]} application", remedy=f"Write {other}:{place}")
    if len(needed) > len(arguments) or (len(positional) < len(arguments) and not takes_any):
        raise TargetError(
            f"'{place}' takes ({', '.join(needed)}), not ({', '.join(arguments)}), so it is not {_NAMES[kind]} application",
            remedy=f"If it makes one, write a function without arguments that returns it, and call that in the SPEC: {kind}:PLACE()",
        )


def debug_notes(application: Any) -> tuple[str, ...]:
    """Return a sentence for a framework that runs in debug mode; nothing is imported to find out."""
    notes = [
        f"{name} runs in debug mode: it is slower, and answers failures in another way"
        for name in (_debugging(application), _debugging_django())
        if name
    ]
    return tuple(f"{note}. Measure with debug mode off" for note in notes)


def _debugging(application: Any) -> str:
    for _ in range(_DEEPEST):
        names = {(base.__module__.partition(".")[0], base.__name__) for base in type(application).__mro__}
        for package, cls in (
            ("flask", "Flask"),
            ("fastapi", "FastAPI"),
            ("starlette", "Starlette"),
            ("quart", "Quart"),
        ):
            if (package, cls) in names:
                return cls if getattr(application, "debug", False) is True else ""
        # Middleware holds the application that it wraps.
        inner = (
            vars(application).get("app") or vars(application).get("wsgi_app")
            if hasattr(application, "__dict__")
            else None
        )
        if inner is None:
            return ""
        application = getattr(inner, "__self__", inner)
    return ""


def _debugging_django() -> str:
    conf = sys.modules.get("django.conf")
    if conf is None or not conf.settings.configured:
        return ""
    return "Django" if conf.settings.DEBUG is True else ""
