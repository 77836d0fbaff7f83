"""Name the functions that instructions belong to: from the files of Callgrind and of CPython's perf trampoline.

The interpreter's loop runs all Python functions; the trampoline gives each of them a caller of its own, and Callgrind
(`--separate-callers1=_PyEval_EvalFrameDefault`) keeps the loop's cost apart by caller. C functions keep their own names.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from harness.exact.frames import measured_frames
from harness.profiles.stacks.frames import ENGINE_ROOT, engine_file, frame
from harness.storage import files

LOOP = "_PyEval_EvalFrameDefault"
OPTION = f"--separate-callers1={LOOP}"
_NAMED = re.compile(r"(c?fn)=\((\d+)\)(?: (.*))?")
_PYTHON = re.compile(r"([0-9a-f]+) [0-9a-f]+ py::(.*):([^:]*)")
_ADDRESS = re.compile(r"(?:^|')0x([0-9a-f]+)")
_RECURSION = re.compile(r"'\d+$")
_OURS = engine_file("harness.instructions.counter")


def costs_per_call(
    once: Path, twice: Path, names: Path, calls: int, roots: Sequence[str] = ()
) -> dict[str, float]:
    """Return the self cost of each function in a call: the difference of two files, of which one has `calls` more.

    Python functions are named like those of profiles (`roots` are stripped from their paths), others like `list_sort (C)`.
    """
    python = dict(_python_functions(files.read_text(names).splitlines(), (*roots, ENGINE_ROOT)))
    before, after = (self_costs(files.read_text(path).splitlines()) for path in (once, twice))
    found: dict[str, float] = {}
    for function in after.keys() | before.keys():
        cost = (after.get(function, 0) - before.get(function, 0)) / calls
        name = _name(function, python)
        if cost and name is not None:
            found[name] = found.get(name, 0.0) + cost
    return found


def self_costs(lines: Iterable[str]) -> dict[str, int]:
    """Return the instructions of each function of a Callgrind file, without those of its callees."""
    names: dict[str, str] = {}
    costs: dict[str, int] = {}
    function, is_inclusive = "", False
    for line in lines:
        if line[:1] in "+-*0123456789" and line[:1]:
            if not is_inclusive and function:
                costs[function] = costs.get(function, 0) + int(line.split()[1])
            is_inclusive = False
        elif line.startswith("calls="):
            is_inclusive = True
        elif named := _NAMED.fullmatch(line):
            kind, number, name = named.groups()
            if name is not None:
                names[number] = name
            if kind == "fn":
                function = names[number]
    return costs


def _python_functions(lines: Iterable[str], roots: Sequence[str]) -> Iterator[tuple[int, str]]:
    for line in lines:
        if found := _PYTHON.fullmatch(line):
            address, function, path = found.groups()
            yield int(address, 16), frame(function, path, roots)


def _name(function: str, python: Mapping[int, str]) -> str | None:
    """Return the printed name of one of Callgrind's functions; None for the trampoline's own code."""
    address = _ADDRESS.search(function)
    if address is None:
        return f"{_RECURSION.sub('', function)} (C)"
    if not function.startswith(LOOP):
        return None
    name = python.get(int(address[1], 16), f"{LOOP} (C)")
    return None if name.endswith(f"({_OURS})") else measured_frames((name,))[0]
