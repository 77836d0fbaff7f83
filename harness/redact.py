"""Takes secrets out of what is shown: environments and command lines are hostile input that people share.

Values under names that look like a secret, and the userinfo of URLs, become `[redacted]`. Redaction happens at the
source as well; this is the last door before a reader.
"""

import re
from typing import Any

HIDDEN = "[redacted]"

_NAME = r"[A-Za-z0-9_.-]*(?:passw(?:or)?d|passphrase|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|auth(?:orization)?(?![A-Za-z]))[A-Za-z0-9_.-]*"
_SECRET_NAME = re.compile(rf"^(?:{_NAME}|key|pwd)$", re.IGNORECASE)
_USERINFO = re.compile(r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*://)[^/\s@]+@")
_ASSIGNED = re.compile(
    rf"(?P<name>(?<![A-Za-z0-9_])(?:--?)?(?:{_NAME}|key|pwd))(?P<join>[\"']?\s*[=:]\s*|(?<=\w)\s+(?!-))"
    r"(?P<value>\"[^\"]*\"|'[^']*'|(?:(?:Bearer|Basic)\s+)?[^\s&;,]+)",
    re.IGNORECASE,
)
_OPTION = re.compile(r"^--?")


def redact_text(text: str) -> str:
    """Return `text` without the userinfo of URLs and without what is assigned to names that look secret."""
    return _ASSIGNED.sub(_hide_value, _USERINFO.sub(rf"\g<scheme>{HIDDEN}@", text))


def redact(value: Any, name: str = "") -> Any:
    """Return a copy of a JSON value in which secrets are replaced, at any depth; `name` is the value's key."""
    if _SECRET_NAME.match(name) and value not in (None, "", True, False):
        return HIDDEN
    if isinstance(value, dict):
        return {str(key): redact(item, str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(item) for item in value]
    return redact_text(value) if isinstance(value, str) else value


def _hide_value(found: re.Match[str]) -> str:
    # `key value` with a blank between is an assignment only after an option: prose keeps its words.
    if found["join"].isspace() and not _OPTION.match(found["name"]):
        return found[0]
    return f"{found['name']}{found['join']}{HIDDEN}"
