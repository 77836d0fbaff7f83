"""Check JSON values by rules, applied one by one. They find every wrong field by its path, with a reason."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from targets.asset_core.validation import NAME_RULE, breaks_a_rule

PROBLEM_LIMIT = 20
"""Largest number of wrong fields that an error names."""

Problems = list[tuple[str, str]]


class Rule(Protocol):
    """A condition on one value."""

    def check(self, value: Any, path: str, problems: Problems) -> None:
        """Add (path, reason) for every fault of `value`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Name:
    """A tenant or id."""

    def check(self, value: Any, path: str, problems: Problems) -> None:
        """Apply the rules of names to the characters."""
        if breaks_a_rule(value):
            problems.append((path, NAME_RULE))


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """Text of `shortest` to `longest` characters."""

    longest: int
    shortest: int = 0

    def check(self, value: Any, path: str, problems: Problems) -> None:
        """Check type and length."""
        if not isinstance(value, str) or not self.shortest <= len(value) <= self.longest:
            problems.append((path, f"must be text of {self.shortest} to {self.longest} characters"))


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """One of several words."""

    words: Sequence[str]

    def check(self, value: Any, path: str, problems: Problems) -> None:
        """Check type and membership."""
        if not isinstance(value, str) or value not in self.words:
            problems.append((path, f"must be one of {', '.join(self.words)}"))


@dataclasses.dataclass(frozen=True, slots=True)
class Number:
    """A number from `low` to `high`; an integer if `whole`."""

    low: float
    high: float
    whole: bool = False

    def check(self, value: Any, path: str, problems: Problems) -> None:
        """Check type and bounds; true and false are not numbers, and 4.0 is whole, as in JSON Schema."""
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not self.low <= value <= self.high
            or (self.whole and value % 1)
        ):
            kind = "a whole number" if self.whole else "a number"
            problems.append((path, f"must be {kind} from {self.low:g} to {self.high:g}"))


@dataclasses.dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def check(self, value: Any, path: str, problems: Problems) -> None:
        """Check the type."""
        if not isinstance(value, bool):
            problems.append((path, "must be true or false"))


@dataclasses.dataclass(frozen=True, slots=True)
class Many:
    """A list of `fewest` to `most` values that follow one rule."""

    rule: Rule
    most: int
    fewest: int = 0

    def check(self, value: Any, path: str, problems: Problems) -> None:
        """Check type, count and each value."""
        if not isinstance(value, list) or not self.fewest <= len(value) <= self.most:
            problems.append((path, f"must be a list of {self.fewest} to {self.most}"))
            return
        for index, inner in enumerate(value):
            if len(problems) >= PROBLEM_LIMIT:
                return
            self.rule.check(inner, f"{path}[{index}]", problems)


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """An object with exactly these fields."""

    required: Mapping[str, Rule]
    optional: Mapping[str, Rule] = dataclasses.field(default_factory=dict)

    def check(self, value: Any, path: str, problems: Problems) -> None:
        """Check type, presence and each field."""
        if not isinstance(value, dict):
            problems.append((path or "body", "must be an object"))
            return
        prefix = f"{path}." if path else ""
        known = {**self.required, **self.optional}
        unknown = sorted(value.keys() - known.keys())[:PROBLEM_LIMIT]
        problems.extend((f"{prefix}{name[:128]}", "is not known") for name in unknown)
        problems.extend((prefix + name, "is missing") for name in self.required if name not in value)
        for name, rule in known.items():
            if name in value and len(problems) < PROBLEM_LIMIT:
                rule.check(value[name], prefix + name, problems)


@dataclasses.dataclass(frozen=True, slots=True)
class Anything:
    """An object whose fields are checked later."""

    def check(self, value: Any, path: str, problems: Problems) -> None:
        """Check the type."""
        if not isinstance(value, dict):
            problems.append((path, "must be an object"))
