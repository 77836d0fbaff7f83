"""Keep the cookies of one user on a journey: name and value of each `Set-Cookie`, until one of them deletes it.

Path, domain and a later expiry are not looked at: the cookies of a journey are all of one application, and journeys are short.
"""

import email.utils
import functools
import time


class Jar:
    """The cookies of one user."""

    __slots__ = ("_cookies", "header")

    def __init__(self) -> None:
        self._cookies: dict[str, str] = {}
        self.header = ""
        """The value of the header `Cookie`; empty without cookies."""

    def take(self, line: str) -> None:
        """Keep the cookie of a `Set-Cookie` header, or delete it if the header says so."""
        pair, _, attributes = line.partition(";")
        name, equals, value = pair.partition("=")
        name = name.strip()
        if not equals or not name:
            return
        if attributes and _deletes(attributes):
            self._cookies.pop(name, None)
        else:
            self._cookies[name] = value.strip()
        self.header = "; ".join([f"{key}={one}" for key, one in self._cookies.items()])

    def get(self, name: str) -> str:
        """Return the value of a cookie without its quotes; empty if there is none."""
        return self._cookies.get(name, "").strip('"')

    def values(self) -> list[str]:
        """Return the values of all cookies."""
        return list(self._cookies.values())

    def header_after(self, own: str) -> str:
        """Return the value of the header `Cookie` for a request that has cookies of its own, which come first."""
        return f"{own}; {self.header}" if own and self.header else own or self.header


def _deletes(attributes: str) -> bool:
    found = {}
    for one in attributes.split(";"):
        name, _, value = one.partition("=")
        found[name.strip().lower()] = value.strip()
    if age := found.get("max-age"):
        try:
            return int(age) <= 0
        except ValueError:
            pass
    return "expires" in found and _moment_s(found["expires"]) <= time.time()


@functools.lru_cache(maxsize=256)
def _moment_s(expires: str) -> float:
    try:
        return email.utils.parsedate_to_datetime(expires).timestamp()
    except (TypeError, ValueError, OverflowError):
        return float("inf")
