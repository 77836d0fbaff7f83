"""Read the URL of a server and the settings that stand with it in a SPEC.

`timeout=30s` is the time limit of a request, `ca=FILE` names the certificates of an own authority, and `insecure=yes` turns
the check of certificates off. All other parameters are the query of the URL.
"""

import base64
import dataclasses
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

from harness.errors import TargetError, UsageError
from harness.redaction.redact import learn_secrets
from harness.units import parse_duration_s

TIMEOUT, CA, INSECURE = "timeout", "ca", "insecure"
DEFAULT_TIMEOUT_S = 30.0
_LONGEST_TIMEOUT_S = 3_600.0
_PORTS = {"http": 80, "https": 443}
_SWITCH = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """The place of a server, and the settings of its requests. `netloc` is the value of the header `Host`."""

    url: str
    host: str
    port: int
    netloc: str
    path: str
    query: str = ""
    is_tls: bool = False
    authorization: str = ""
    """Value of the header `Authorization`, from the user and password of the URL; empty without them."""
    timeout_s: float = DEFAULT_TIMEOUT_S
    ca: str = ""
    is_insecure: bool = False

    @property
    def base(self) -> str:
        """Return the path that stands before that of each request; empty without one."""
        return self.path.rstrip("/")


def read_address(url: str, parameters: Mapping[str, str]) -> Address:
    """Return the address of a server. Raises `TargetError` for a URL without a host, and for settings that are none."""
    settings = {name: parameters[name] for name in (TIMEOUT, CA, INSECURE) if name in parameters}
    query = {name: value for name, value in parameters.items() if name not in settings}
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise TargetError(
            f"'{url}' is not the URL of a server: {error}", remedy="Write it as http://HOST:PORT"
        ) from error
    if not host or parts.fragment or any(not " " < character < "\x7f" for character in url):
        raise TargetError(
            f"'{url}' is not the URL of a server", remedy="Write it as http://HOST:PORT, percent-encoded"
        )
    is_tls = parts.scheme == "https"
    if not is_tls and {CA, INSECURE} & set(settings):
        raise TargetError(
            f"'{url}' is not encrypted, so ca and insecure have no meaning", remedy="Remove them, or write https://"
        )  # fmt: skip
    return Address(
        url=url,
        host=host,
        port=_PORTS[parts.scheme] if port is None else port,
        netloc=parts.netloc.rpartition("@")[2],
        path=parts.path or "/",
        query=urllib.parse.urlencode(query),
        is_tls=is_tls,
        authorization=_authorization(parts),
        timeout_s=_timeout_s(settings.get(TIMEOUT)),
        ca=_ca(settings.get(CA, "")),
        is_insecure=_switch(INSECURE, settings.get(INSECURE, "no")),
    )


def _authorization(parts: urllib.parse.SplitResult) -> str:
    if parts.username is None:
        return ""
    user, password = (urllib.parse.unquote(text or "") for text in (parts.username, parts.password))
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    learn_secrets([text for text in (password, encoded) if text])
    return f"Basic {encoded}"


def _timeout_s(text: str | None) -> float:
    if text is None:
        return DEFAULT_TIMEOUT_S
    try:
        seconds = parse_duration_s(text)
    except UsageError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_TIMEOUT_S:
        raise TargetError(
            f"The time limit '{text}' of a request is not within 0 to 1 h", remedy=f"Write {TIMEOUT}=30s"
        )
    return seconds


def _ca(name: str) -> str:
    if name and not Path(name).exists():
        raise TargetError(f"There is no file '{name}' of certificates", remedy=f"Correct {CA}=FILE")
    return name


def _switch(name: str, text: str) -> bool:
    if text not in _SWITCH:
        raise TargetError(f"'{text}' is neither yes nor no", where=name, remedy=f"Write {name}=yes")
    return _SWITCH[text]
