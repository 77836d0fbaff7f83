"""Takes secrets out of what is stored and shown: environments, command lines and messages are hostile input that people share.

A secret is hidden where it is recognised (`harness.redaction.patterns`), and, once it was recognised in a SPEC or on the
command line, wherever else it turns up in this process: in an error, a log, the message of a failed call.

The value of a parameter becomes `[redacted]-1a2b3c`, so that two targets which differ in a secret do not look the same.
The six digits are a digest with a key of this user's (`harness.redaction.key`): without it nobody can try passwords on them.
"""

import functools
import hmac
import json
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

from harness.redaction.key import redaction_key
from harness.redaction.patterns import HIDDEN, Span, find, is_secret

__all__ = ["HIDDEN", "hide_known", "learn", "learn_parameters", "redact", "redact_text", "secret_spans"]

_SHORTEST = 5
_LONG = 8
_ENCODED = re.compile(
    r"(?P<lead>[?&][^\s?&=\"'<>]{1,120}=)(?P<value>[^\s&\"'<>]*%[0-9A-Fa-f]{2}[^\s&\"'<>]*)"
)
_known: set[str] = set()


def redact_text(text: str) -> str:
    """Return `text` without what looks like a secret, and without every secret that this process knows."""
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
    """Hide from now on, wherever they turn up, the secrets that these texts hold."""
    for text in texts:
        for start, end, _ in find(text):
            _remember(text[start:end])


def learn_parameters(parameters: Mapping[str, str]) -> None:
    """Hide from now on, wherever they turn up, the secrets among the parameters of a target."""
    for name, value in parameters.items():
        if is_secret(name, value):
            _remember(value)
        else:
            learn(value)


def hide_known(text: str) -> str:
    """Return `text` without the secrets that this process knows; what only looks like one stays."""
    return _any_of(frozenset(_known)).sub(HIDDEN, text) if _known else text


def secret_spans(text: str) -> list[Span]:
    """Return where secrets are in `text`, recognised or known, in order and without overlap."""
    known = [Span(*found.span()) for found in _any_of(frozenset(_known)).finditer(text)] if _known else []
    return _merged((*find(text), *known))


def _remember(secret: str) -> None:
    """Keep what cannot be an everyday word that stands elsewhere with another meaning, in each way it may be written."""
    secret = re.sub(r"^(?:Bearer|Basic|Token)\s+", "", secret, flags=re.IGNORECASE)
    plain = urllib.parse.unquote(secret)
    # Of a user and a password, the password alone too.
    for text in {secret, plain, plain.partition(":")[2]}:
        if len(text) < _SHORTEST or (len(text) < _LONG and text.isalpha()) or text.startswith(HIDDEN[:-1]):
            continue
        _known.update(
            (text, text.encode().decode("latin-1"), urllib.parse.quote(text, safe=""), urllib.parse.quote_plus(text), json.dumps(text)[1:-1], repr(text)[1:-1])
        )  # fmt: skip


@functools.lru_cache(maxsize=4)
def _any_of(secrets: frozenset[str]) -> re.Pattern[str]:
    # The longest first: a secret may contain another one.
    return re.compile("|".join(re.escape(one) for one in sorted(secrets, key=len, reverse=True)))


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order; of those that overlap, one that covers them all."""
    merged: list[Span] = []
    for span in sorted(span for span in spans if span.end > span.start):
        if not merged or span.start >= merged[-1].end:
            merged.append(span)
            continue
        last = merged.pop()
        merged.append(Span(last.start, max(last.end, span.end), last.is_parameter or span.is_parameter))
    return merged


def _stand_in(secret: str) -> str:
    """Return what stands for the value of a parameter: the same for the same secret, of this user."""
    plain = urllib.parse.unquote_plus(secret)
    return f"{HIDDEN}-{hmac.digest(redaction_key(), plain.encode(), 'sha256').hex()[:6]}"


def _decoded(found: re.Match[str]) -> str:
    """Return an escaped parameter so that what is in it can be seen, if there is a secret in it."""
    plain = urllib.parse.unquote_plus(found["value"])
    hides = any(True for _ in find(f"{found['lead']}{plain}"))
    return (
        found["lead"] + urllib.parse.quote(plain, safe="[]:/@,;=?+ ").replace(" ", "+") if hides else found[0]
    )
