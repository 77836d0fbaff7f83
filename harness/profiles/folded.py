"""A profile: stacks with weights in one unit, and its text form. Every transformation conserves the total.

The text is the folded form that flamegraph.pl, speedscope and inferno read: `root;caller;leaf 42`, one stack a
line. Lines that start with `# ` carry the unit, and the source line of a frame; those tools pass over them.
"""

import dataclasses
import functools
import math
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from harness.errors import InvalidRunError
from harness.marker import MARKER_PREFIX

Stack = tuple[str, ...]
"""Frames from the root to the leaf; none is empty."""

_UNSAFE = re.compile(r"[\\;\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|^#")
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})")
_UNIT = "# unit: "
_LINE = re.compile(r"# line (\d+) of (.+)\.$", re.DOTALL)


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """Stacks with weights in one unit: `samples`, `bytes`, `allocations`, `ns`.

    `lines` gives, for frames that have one, the source line where most of their weight was. It stands beside the
    frames and never in them, so that a shifted line changes no key.
    """

    unit: str
    stacks: Mapping[Stack, float]
    lines: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def total(self) -> float:
        """The weight of all stacks."""
        return sum(self.stacks.values())

    def scaled(self, factor: float) -> "Profile":
        """Return every weight times `factor`, for example one by the number of requests."""
        return dataclasses.replace(
            self, stacks={stack: weight * factor for stack, weight in self.stacks.items()}
        )

    def by_operation(self) -> dict[str, "Profile"]:
        """Return one profile for each operation, without its root; other roots keep their own name as key."""
        parts: dict[str, dict[Stack, float]] = defaultdict(lambda: defaultdict(int))
        for stack, weight in self.stacks.items():
            parts[stack[0].removeprefix(MARKER_PREFIX)][stack[1:] or stack] += weight
        return {name: dataclasses.replace(self, stacks=dict(stacks)) for name, stacks in parts.items()}

    def functions(self) -> dict[str, tuple[float, float]]:
        """Return for each frame its weight as leaf and its weight anywhere; recursion counts once."""
        own: dict[str, float] = defaultdict(float)
        whole: dict[str, float] = defaultdict(float)
        for stack, weight in self.stacks.items():
            own[stack[-1]] += weight
            for name in set(stack):
                whole[name] += weight
        return {name: (own[name], total) for name, total in whole.items()}


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """Both weights of every stack that either side has; nothing is said about significance."""

    unit: str
    stacks: Mapping[Stack, tuple[float, float]]

    @property
    def change(self) -> float:
        """The weight after less the weight before, over all stacks."""
        return sum(after - before for before, after in self.stacks.values())

    def swapped(self) -> "Difference":
        """Return the difference seen from the other side."""
        return Difference(
            self.unit, {stack: (after, before) for stack, (before, after) in self.stacks.items()}
        )


def merge(profiles: Iterable[Profile]) -> Profile:
    """Return the sum of profiles of one unit; raises `ValueError` for none, or for different units."""
    parts = list(profiles)
    units = {part.unit for part in parts}
    if len(units) != 1:
        raise ValueError(f"only profiles of one unit add up, not {sorted(units)}")
    stacks: dict[Stack, float] = defaultdict(int)
    lines: dict[str, int] = {}
    for part in parts:
        lines = {**part.lines, **lines}
        for stack, weight in part.stacks.items():
            stacks[stack] += weight
    return Profile(units.pop(), dict(stacks), lines)


def diff(before: Profile, after: Profile) -> Difference:
    """Return both weights of every stack; raises `ValueError` if the units differ."""
    if before.unit != after.unit:
        raise ValueError(f"{before.unit} and {after.unit} cannot be compared")
    stacks = {**before.stacks, **after.stacks}
    return Difference(
        before.unit, {stack: (before.stacks.get(stack, 0), after.stacks.get(stack, 0)) for stack in stacks}
    )


def format_folded(profile: Profile) -> str:
    """Return the text form, sorted, so that equal profiles are equal files."""
    safe: dict[str, str] = {}
    for stack in profile.stacks:
        for name in stack:
            if name not in safe:
                safe[name] = _escape(name)
    stacks = sorted(
        f"{';'.join([safe[name] for name in stack])} {_number(weight)}\n"
        for stack, weight in profile.stacks.items()
    )
    lines = [
        f"# line {line} of {_escape(name)}.\n" for name, line in sorted(profile.lines.items()) if name in safe
    ]
    return "".join([f"{_UNIT}{profile.unit}.\n", *lines, *stacks])


def parse_folded(text: str, where: str = "folded text") -> Profile:
    """Return the profile of a folded text; equal stacks add up, a text without a unit counts samples.

    Raises `InvalidRunError` with `where` and the number of the first line that cannot be read.
    """
    unit = "samples"
    lines: dict[str, int] = {}
    stacks: dict[Stack, float] = defaultdict(int)
    # Many stacks differ in their leaf alone: what calls it is read once, and its names are held once.
    callers = functools.cache(_names)
    for number, row in enumerate(text.split("\n"), 1):
        if row.startswith("# "):
            if found := _LINE.match(row):
                lines[_unescape(found[2])] = int(found[1])
            elif row.startswith(_UNIT):
                unit = row.removeprefix(_UNIT).removesuffix(".")
        elif row:
            try:
                stack, weight = _parse_row(row, callers)
            except ValueError as error:
                raise _damaged(str(error), f"{where}:{number}") from error
            stacks[stack] += weight
    return Profile(unit, dict(stacks), lines)


def read_folded(path: Path) -> Profile:
    """Return the profile in a file; raises `InvalidRunError` if it is missing or damaged."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise _damaged(f"it cannot be read: {error.strerror}", str(path)) from error
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        raise _damaged("it is not UTF-8", f"{path}:{row}") from error
    if not text.endswith("\n"):
        raise _damaged("its last line is cut off", f"{path}:{text.count(chr(10)) + 1}")
    return parse_folded(text, str(path))


def write_folded(path: Path, profile: Profile) -> None:
    """Write the text form; the file is whole or not there."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_bytes(format_folded(profile).encode())
    partial.replace(path)


def _parse_row(row: str, callers: Callable[[str], Stack]) -> tuple[Stack, float]:
    """Return one row's stack and weight; raises ValueError that says what is wrong with it."""
    text, _, number = row.rpartition(" ")
    try:
        weight = int(number) if number.isdecimal() else float(number)
    except ValueError as error:
        raise ValueError(f"'{number[:40]}' is not a weight") from error
    if not math.isfinite(weight) or weight < 0:
        raise ValueError(f"{number} is not a weight")
    above, separator, leaf = text.rpartition(";")
    return (*callers(above), *_names(leaf)) if separator else _names(leaf), weight


def _names(text: str) -> Stack:
    names = text.split(";")
    if not all(names):
        raise ValueError("a stack has an empty frame")
    return tuple([_unescape(name) for name in names] if "\\" in text else names)


def _escape(name: str) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", name)


def _unescape(name: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), name)


def _number(weight: float) -> str:
    return str(int(weight)) if weight == int(weight) and abs(weight) < 2**53 else repr(weight)


def _damaged(why: str, where: str) -> InvalidRunError:
    return InvalidRunError(
        f"The profile is damaged: {why}",
        where=where,
        remedy="Profile again; nothing else depends on this file",
    )
