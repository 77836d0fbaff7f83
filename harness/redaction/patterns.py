"""Find secrets in a text: by names of parameters, options, headers and variables, and by the form of values."""

import functools
import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

HIDDEN = "[redacted]"
# A value may end before a bracket; a mask in a log is shortened to the length of its secret.
_HIDDEN_HEAD = HIDDEN[:-1]

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS = frozenset(
    (
        "accesskey", "apikey", "authorization", "bearer", "cred", "credential", "credentials", "creds", "csrf", "jwt",
        "oauth", "passcode", "passphrase", "passwd", "password", "passwords", "privatekey", "pwd", "secret", "secretkey",
        "secrets", "token", "xsrf",
    )
)  # fmt: skip
_SECRET_ENDINGS = ("token", "secret", "password", "passwd", "passphrase", "apikey", "credentials")
# Ambiguous words: a number under such a name is not a secret.
_DOUBTFUL_WORDS = frozenset(
    ("auth", "cookie", "cookies", "pass", "pat", "private", "sas", "session", "sessionid", "sig", "signature", "tokens")
)  # fmt: skip
_KEYS = frozenset(
    (
        "access", "account", "api", "auth", "client", "encryption", "host", "license", "master", "private", "secret",
        "service", "shared", "signing", "ssh", "storage",
    )
)  # fmt: skip
"""Words before `key` that make it a secret; after others, as in `partition_key`, it is not."""
# Endings that change the meaning of a name: `token_cache` is a cache, not a token.
_ABOUT = frozenset(
    (
        "age", "algorithm", "audience", "bucket", "budget", "bytes", "cache", "class", "count", "enabled", "endpoint",
        "expires", "expiry", "file", "hours", "issuer", "kind", "length", "limit", "max", "min", "mode", "ms", "name",
        "param", "parameter", "path", "percent", "period", "pool", "prefix", "provider", "rate", "ratio", "s", "scheme",
        "seconds", "share", "size", "source", "suffix", "threshold", "timeout", "ttl", "type", "uri", "url", "us", "users",
        "version", "window",
    )
)  # fmt: skip
_PLAIN = re.compile(
    r"(?:true|false|yes|no|on|off|none|null|default|value|0|1|\*+|\$\w+|\$?\{[^}]*\}?|<[^>]*>?|…|\.\.\.)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+]?[\d.,_]+\w{0,2}")

_NAME = r"[A-Za-z_][\w.\-\[\]]{0,80}"
_VALUE = r"\"(?P<double>[^\"\n]*)\"?|'(?P<single>[^'\n]*)'?|(?P<bare>(?:(?:Bearer|Basic|Token)\s+)?[^\s&;,\"'<>)}\]]*)"
_ASSIGNED = re.compile(
    rf"(?P<before>(?<![\w.\-])--?|(?<![\w.\-]))(?P<name>{_NAME})(?P<join>\\?[\"']?\s{{0,3}}[=:]\s{{0,3}}\\?|(?<=\w)\s+(?!-))",
    re.ASCII,
)
_VALUE_THERE = re.compile(_VALUE, re.IGNORECASE)
_PARAMETER = re.compile(r"[?&](?P<name>[^\s?&=\"'<>]{1,120})=(?P<value>[^\s&\"'<>]*)")
_HEADER = re.compile(r"\b(?:Set-)?Cookie:[ \t]*(?P<secret>[^\r\n\"']+)", re.IGNORECASE)
_USERINFO = (
    re.compile(r"\b[A-Za-z][A-Za-z0-9+.\-]{0,30}://(?P<secret>[^/\s@\"'<>?#]{1,400})@"),
    # A password with a slash, which should be escaped but often is not; a number after a host is a port.
    re.compile(r"\b[A-Za-z][A-Za-z0-9+.\-]{0,30}://(?P<secret>[^/\s@\"'<>:]{0,100}:(?!\d{1,5}(?:[/?#]|$))[^\s@\"'<>]{1,300})@"),
    re.compile(r"%3A%2F%2F(?P<secret>(?:(?!%2F|%40)[^\s&\"'<>/@]){1,400})%40", re.IGNORECASE),
)  # fmt: skip
_BARE = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)"
    r"|(?<![A-Za-z0-9_-])(?:"
    r"eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*"  # a JSON web token
    r"|(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{16}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}"
    r"|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9]{16,}"
    r"|sk-[A-Za-z0-9_-]{20,}|AIza[\w-]{35}|ya29\.[\w-]{20,}|npm_[A-Za-z0-9]{30,}|pypi-AgE[\w-]{20,}|hf_[A-Za-z0-9]{30,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|dop_v1_[a-f0-9]{40,}"
    r")"
    r"|(?<=Bearer )(?=[^\s\"']*[\d._~+/=-])[\w.~+/=-]{8,}|(?<=Basic )(?=[A-Za-z0-9+/]*[A-Z0-9+/=])[A-Za-z0-9+/]{12,}={0,2}"
    r"|(?<=hooks\.slack\.com/services/)[\w/]{10,}",
    re.DOTALL,
)  # fmt: skip


class Span(NamedTuple):
    """The span of a secret in a text. `is_parameter` marks a parameter of a SPEC or URL, by which targets differ."""

    start: int
    end: int
    is_parameter: bool = False


def is_secret(name: str, value: str) -> bool:
    """Return True if `value` under this name is a secret: `api_key`, `DB_PASSWORD`; not `keyspace`, `token_cache`, `tokens=100`."""
    doubt = _doubt(name)
    if doubt is None or _PLAIN.fullmatch(value) or value.startswith(_HIDDEN_HEAD):
        return False
    return not (doubt and _NUMBER.fullmatch(value))


@functools.lru_cache(maxsize=1024)
def _doubt(name: str) -> bool | None:
    """Return None for a name without a secret, True for a doubtful name, and False for the name of a secret."""
    words = [word.lower() for word in _WORDS.findall(name)]
    while words and words[-1].isdecimal():
        words.pop()
    if not words or words[-1] in _ABOUT:
        return None
    if any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDINGS) for word in words) or _is_key(words):
        return False
    return None if _DOUBTFUL_WORDS.isdisjoint(words) else True


def _is_key(words: list[str]) -> bool:
    if words == ["key"] or words[-2:] == ["key", "id"]:
        return True
    return any(word == "key" and before in _KEYS for before, word in itertools.pairwise(words))


def find(text: str) -> Iterator[Span]:
    """Yield the secrets of a text, in any order; they may overlap."""
    for found in _PARAMETER.finditer(text):
        if is_secret(found["name"], found["value"]):
            yield Span(*found.span("value"), is_parameter=True)
    done = 0
    for found in _ASSIGNED.finditer(text):
        # Not inside a secret again: a text of many names would be read once for each name.
        if found.start() >= done and (span := _assigned(text, found)):
            done = span.end
            yield span
    for pattern in (*_USERINFO, _HEADER):
        for found in pattern.finditer(text):
            if not found["secret"].startswith(_HIDDEN_HEAD):
                yield Span(*found.span("secret"), is_parameter=_is_in_parameter(text, found.start()))
    for found in _BARE.finditer(text):
        yield Span(*found.span())


def _assigned(text: str, found: re.Match[str]) -> Span | None:
    doubt = _doubt(found["name"])
    # `key value` separated by a blank is an assignment only after an option: prose stays unchanged.
    if doubt is None or (found["join"].isspace() and not found["before"]):
        return None
    # `session: 3 blocks` is prose, `"session": "…"` and `session=…` are not.
    if doubt and ":" in found["join"] and not found["join"].startswith(('"', "'", "\\")):
        return None
    value = _VALUE_THERE.match(text, found.end())
    if value is None:
        return None
    kind = value.lastgroup or "bare"
    if not is_secret(found["name"], value[kind]):
        return None
    return Span(*value.span(kind), is_parameter=text[found.start() - 1 : found.start()] in {"?", "&"})


def _is_in_parameter(text: str, start: int) -> bool:
    return re.search(r"[?&][^\s?&=\"'<>]{1,120}=$", text[max(0, start - 130) : start]) is not None
