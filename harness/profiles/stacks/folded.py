"""A profile: stacks with weights in one unit, and its text form. Every transformation conserves the total.

The text is the folded form that flamegraph.pl, speedscope and inferno read: `root;caller;leaf 42`, one stack a
line. Lines that start with `# ` carry the unit, and the source line of a frame; those tools pass over them.
"""

import dataclasses
import io
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from harness.errors import InvalidRunError
from harness.profiles.stacks.marker import MARKER_PREFIX
from harness.profiles.stacks.weighted import Grouped, Stack, by_callers
from harness.storage import files

_UNSAFE = re.compile(r"[\\;\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|^#")
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})")
_UNIT = "# unit: "
_MOST_WEIGHT = 1e30
"""Limit for the weight of a stack, far beyond any time or memory, so that sums and products of weights stay finite."""
_LINE = re.compile(r"# line (\d{1,9}) of (.+)\.$", re.DOTALL)


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """Stacks with weights in one unit: `samples`, `bytes`, `allocations`, `ns`.

    `lines` gives, for frames that have one, the source line where most of their weight was. Lines are kept beside the
    frames and not in them, so that a shifted line changes no key.
    """

    unit: str
    stacks: Mapping[Stack, float]
    lines: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def total(self) -> float:
        """The weight of all stacks."""
        return sum(self.stacks.values())

    def under(self, root: str) -> float:
        """Return the weight of the stacks under a root."""
        return sum(weight for stack, weight in self.stacks.items() if stack[0] == root)

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
        for callers, leaves in by_callers(self.stacks).items():
            names = set(callers)
            weight = sum(leaves.values())
            for name in names:
                whole[name] += weight
            for leaf, weight in leaves.items():
                own[leaf] += weight
                if leaf not in names:
                    whole[leaf] += weight
        return {name: (own[name], total) for name, total in whole.items()}


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """Both weights of every stack that either side has, without a test of significance."""

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
    return _parse(text.split("\n"), where)


def read_folded(path: Path) -> Profile:
    """Return the profile in a file; raises `InvalidRunError` if it is missing or damaged."""
    try:
        with files.open_regular(path, files.MOST_BYTES) as file:
            if _last_byte(file) != b"\n":
                raise _damaged("its last line is cut off", f"{path}:{_lines_of(file.read())}")
            # Line by line: the text is many times as large as the profile.
            rows = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
            return _parse((row.removesuffix("\n") for row in rows), str(path))
    except OSError as error:
        raise _damaged(f"it cannot be read: {error.strerror}", str(path)) from error
    except UnicodeDecodeError as error:
        raise _damaged("it is not UTF-8", f"{path}:{_first_undecoded_line(path)}") from error


def write_folded(path: Path, profile: Profile) -> None:
    """Write the text form atomically: the file is complete or absent."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_bytes(format_folded(profile).encode())
    partial.replace(path)


def _parse(rows: Iterable[str], where: str) -> Profile:
    unit = "samples"
    lines: dict[str, int] = {}
    groups: dict[Stack, dict[str, float]] = {}
    # Many stacks differ in their leaf alone: their callers are parsed and stored once.
    read: dict[str | None, dict[str, float]] = {}
    for number, row in enumerate(rows, 1):
        if row.startswith("# "):
            if found := _LINE.match(row):
                lines[_unescape(found[2])] = int(found[1])
            elif row.startswith(_UNIT):
                unit = row.removeprefix(_UNIT).removesuffix(".")
        elif row:
            above, separator, end = row.rpartition(";")
            name, _, amount = end.rpartition(" ")
            key = above if separator else None
            try:
                weight = _weight(amount)
                leaves = read.get(key)
                if leaves is None:
                    leaves = read[key] = groups.setdefault(_callers(key), {})
                leaf = _name(name)
                leaves[leaf] = leaves.get(leaf, 0) + weight
            except ValueError as error:
                raise _damaged(str(error), f"{where}:{number}") from error
    return Profile(unit, Grouped(groups), lines)


def _last_byte(file: BinaryIO) -> bytes:
    if not file.seek(0, os.SEEK_END):
        return b""
    file.seek(-1, os.SEEK_END)
    last = file.read(1)
    file.seek(0)
    return last


def _lines_of(text: bytes) -> int:
    return text.count(b"\n") + 1


def _first_undecoded_line(path: Path) -> int:
    for number, row in enumerate(files.read_bytes(path).split(b"\n"), 1):
        try:
            row.decode()
        except UnicodeDecodeError:
            return number
    return 1


def _callers(text: str | None) -> Stack:
    return () if text is None else tuple(map(_name, text.split(";")))


def _name(text: str) -> str:
    if not text:
        raise ValueError("a stack has an empty frame")
    return _unescape(text) if "\\" in text else text


def _weight(text: str) -> float:
    """Return the weight of a row; raises ValueError that says why it cannot be read."""
    try:
        weight = int(text) if text.isdecimal() else float(text)
    except ValueError as error:
        raise ValueError(f"'{text[:40]}' is not a weight") from error
    if not 0 <= weight <= _MOST_WEIGHT:
        raise ValueError(f"{text[:40]} is not a weight")
    return weight


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
