"""Rules for input from callers, applied before any back end is called: compiled, or interpreted one by one."""

import dataclasses
import re
import string
from collections.abc import Callable
from typing import Any

from targets.asset_core.errors import InvalidRequestError

NAME_PATTERN = r"[A-Za-z0-9._:-]{1,128}"
NAME_RULE = "must be 1 to 128 of A-Z a-z 0-9 . _ : -"

Validate = Callable[[str, str], None]
"""Function of (field, value): raises InvalidRequestError with a reason for the field if the value is an invalid name."""

is_name = re.compile(NAME_PATTERN).fullmatch
"""Matcher of a valid tenant or id. `fullmatch`: `$` would allow a trailing newline."""


def validate_name(field: str, value: str) -> None:
    """Check a tenant or id with one compiled pattern."""
    if not is_name(value):
        raise _invalid(field)


@dataclasses.dataclass(frozen=True, slots=True)
class _Rule:
    holds: Callable[[Any], bool]


_LETTERS = string.ascii_letters + string.digits + "._:-"
_RULES = (
    _Rule(lambda value: isinstance(value, str)),
    _Rule(lambda value: len(value) >= 1),
    _Rule(lambda value: len(value) <= 128),
    _Rule(lambda value: all(character in _LETTERS for character in value)),
)


def interpret_name(field: str, value: str) -> None:
    """Check a tenant or id by applying a list of rules to its characters."""
    if breaks_a_rule(value):
        raise _invalid(field)


def breaks_a_rule(value: object) -> bool:
    """Return True if a value is an invalid name, found by applying a list of rules."""
    return not all(rule.holds(value) for rule in _RULES)


def _invalid(field: str) -> InvalidRequestError:
    return InvalidRequestError("the request is not valid", [(field, NAME_RULE)])
