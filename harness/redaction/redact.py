"""Remove secrets from stored and shown text: people share environments, command lines and messages.

A secret is hidden where it is recognised (`harness.redaction.patterns`), and, once it was recognised in a SPEC or on the
command line, everywhere else in this process: in an error, a log, the message of a failed call.

The value of a parameter becomes `[redacted]-1a2b3c`, so that two targets with different secrets look different. The six
digits are a digest with the user's key (`harness.redaction.key`): without the key, passwords cannot be tested against it.
"""

import functools
import hmac
import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.redaction.key import redaction_key
from harness.redaction.patterns import HIDDEN, Span, find, is_secret

__all__ = [
    "HIDDEN",
    "hide_known",
    "hide_secrets",
    "learn",
    "learn_parameters",
    "learn_secrets",
    "redact",
    "redact_text",
    "secret_spans",
]

_SHORTEST = 5
_LONG = 8
_ENCODED = re.compile(
    r"(?P<lead>[?&][^\s?&=\"'<>]{1,120}=)(?P<value>[^\s&\"'<>]*%[0-9A-Fa-f]{2}[^\s&\"'<>]*)"
)
_known: set[str] = set()


def redact_text(text: str) -> str:
    """Return `text` without recognised secrets, and without every secret that this process has learnt."""
    text = _ENCODED.sub(_decoded, text)
    parts, at = [], 0
    for start, end, is_parameter in _merged(find(text)):
        parts += [text[at:start], _stand_in(text[start:end]) if is_parameter else HIDDEN]
        at = end
    return hide_known("".join((*parts, text[at:])))


def redact(value: Any, name: str = "") -> Any:
    """Return a copy of a JSON value in which secrets are replaced, at any depth; `name` is the value's key."""
    if isinstance(value, dict):
        return {str(key): redact(item, str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(item) for item in value]
    if isinstance(value, str):
        return HIDDEN if is_secret(name, value) else redact_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and is_secret(name, str(value)):
        return HIDDEN
    return value


def learn(*texts: str) -> None:
    """Learn the secrets in these texts, and hide them from now on wherever they occur."""
    for text in texts:
        for start, end, _ in find(text):
            _remember(text[start:end])


def learn_parameters(parameters: Mapping[str, str]) -> None:
    """Learn the secrets among the parameters of a target, and hide them from now on wherever they occur."""
    for name, value in parameters.items():
        if is_secret(name, value):
            _remember(value)
        else:
            learn(value)


def learn_secrets(secrets: Iterable[str]) -> None:
    """Learn these texts as secrets, and hide them from now on wherever they occur; short everyday words stay visible."""
    for secret in secrets:
        _remember(secret)


def hide_known(text: str) -> str:
    """Return `text` without the learnt secrets; recognised ones stay."""
    return _any_of(frozenset(_known)).sub(HIDDEN, text) if _known else text


def secret_spans(text: str) -> list[Span]:
    """Return the spans of secrets in `text`, recognised or learnt, in order and without overlap."""
    known = [Span(*found.span()) for found in _any_of(frozenset(_known)).finditer(text)] if _known else []
    return _merged((*find(text), *known))


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return `text` without these secrets, which are not remembered; short everyday words stay visible."""
    known = frozenset(one for secret in secrets for one in _spellings(secret))
    return _any_of.__wrapped__(known).sub(HIDDEN, text) if known else text


def _remember(secret: str) -> None:
    """Store a secret in each of its spellings, unless it may be an everyday word."""
    _known.update(_spellings(secret))


def _spellings(secret: str) -> Iterator[str]:
    secret = re.sub(r"^(?:Bearer|Basic|Token)\s+", "", secret, flags=re.IGNORECASE)
    plain = urllib.parse.unquote(secret)
    # The password of a user and password pair is stored separately too.
    for text in {secret, plain, plain.partition(":")[2]}:
        if len(text) < _SHORTEST or (len(text) < _LONG and text.isalpha()) or text.startswith(HIDDEN[:-1]):
            continue
        yield from (
            text, text.encode().decode("latin-1"), urllib.parse.quote(text, safe=""), urllib.parse.quote_plus(text), json.dumps(text)[1:-1], repr(text)[1:-1],
        )  # fmt: skip


@functools.lru_cache(maxsize=4)
def _any_of(secrets: frozenset[str]) -> re.Pattern[str]:
    # Longest first: a secret may contain another one.
    return re.compile("|".join(re.escape(one) for one in sorted(secrets, key=len, reverse=True)))


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order; overlapping ones are merged."""
    merged: list[Span] = []
    for span in sorted(span for span in spans if span.end > span.start):
        if not merged or span.start >= merged[-1].end:
            merged.append(span)
            continue
        last = merged.pop()
        merged.append(Span(last.start, max(last.end, span.end), last.is_parameter or span.is_parameter))
    return merged


def _stand_in(secret: str) -> str:
    """Return the replacement of a parameter's value: equal for equal secrets of this user."""
    plain = urllib.parse.unquote_plus(secret)
    return f"{HIDDEN}-{hmac.digest(redaction_key(), plain.encode(), 'sha256').hex()[:6]}"


def _decoded(found: re.Match[str]) -> str:
    """Return an escaped parameter unescaped if it contains a secret, so that the secret is recognised."""
    plain = urllib.parse.unquote_plus(found["value"])
    hides = any(True for _ in find(f"{found['lead']}{plain}"))
    return (
        found["lead"] + urllib.parse.quote(plain, safe="[]:/@,;=?+ ").replace(" ", "+") if hides else found[0]
    )
