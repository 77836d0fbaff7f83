"""Compare versions with vulnerable ranges. Real inventories hold non-standard versions: those count as released."""

import functools
import re

from packaging.version import InvalidVersion, Version

from targets.asset_core.feed import Vulnerability

_LEADING_NUMBERS = re.compile(r"[vV]?(\d{1,9}(?:\.\d{1,9})*)")


@functools.lru_cache(maxsize=4096)
def parse_version(text: str) -> Version | None:
    """Return a comparable version: by PEP 440, else the leading numbers of the text, else None.

    `8.2p1` reads as `8.2`, `2.4.49-ubuntu` as `2.4.49`, `latest` as None.
    """
    text = text.strip()
    try:
        return Version(text)
    except InvalidVersion:
        numbers = _LEADING_NUMBERS.match(text)
        return Version(numbers[1]) if numbers else None


def is_affected(version: Version, entry: Vulnerability) -> bool:
    """Return True if a version lies from the first affected up to, not including, the first fixed one."""
    first, fixed = parse_version(entry.first_affected), parse_version(entry.first_fixed)
    return first is not None and fixed is not None and first <= version < fixed
