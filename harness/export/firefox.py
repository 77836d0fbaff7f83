"""Export profiles to the Firefox Profiler: its processed format, which https://profiler.firefox.com opens from a file.

The format is that of version 60 (docs-developer/CHANGELOG-formats.md and src/types/profile.ts of firefox-devtools/profiler); later
versions are made from it when a file is opened. Each profile is a thread, and each operation a category with a colour. Stacks
have weights and no times of their own: the time line of a thread shows nothing, its call tree and flame graph show all.
"""

import gzip
import itertools
import json
from collections.abc import Sequence
from typing import Any

from harness.export.stacks import Stacks, function_and_file, operation_of_root

VERSION = 60
_GECKO_VERSION = 36
_COLOURS = (
    "blue", "orange", "green", "purple", "yellow", "lightblue", "red", "brown", "magenta", "lightred", "darkgrey",
)  # fmt: skip
_OTHER = 0
_MS_PER_S, _NS_PER_MS = 1e3, 1e6
# Type of the weights, and their number for a weight of one.
_WEIGHTS = {"ns": ("tracing-ms", 1 / _NS_PER_MS), "bytes": ("bytes", 1.0)}
_Columns = dict[str, Any]


def as_firefox(product: str, profiles: Sequence[Stacks]) -> bytes:
    """Return one gzipped JSON document with every profile; equal profiles give equal bytes."""
    return gzip.compress(json.dumps(document(product, profiles), allow_nan=False).encode(), mtime=0)


def document(product: str, profiles: Sequence[Stacks]) -> dict[str, Any]:
    """Return the document that `as_firefox` compresses; all profiles share the stacks."""
    shared = _Shared(
        sorted({operation_of_root(stack[0]) for one in profiles for stack in one.profile.stacks})
    )
    threads = [_thread(one, number, shared) for number, one in enumerate(profiles)]
    began_s = min((one.began_unix_s for one in profiles), default=0.0)
    interval_ms = next((one.ns_per_sample / _NS_PER_MS for one in profiles if one.ns_per_sample), 1.0)
    return {
        "meta": {
            "interval": interval_ms,
            "startTime": began_s * _MS_PER_S,
            "processType": 0,
            "product": product,
            "importedFrom": "harness",
            "stackwalk": 1,
            "version": _GECKO_VERSION,
            "preprocessedProfileVersion": VERSION,
            "symbolicated": True,
            "categories": shared.categories,
            "markerSchema": [],
            "usesOnlyOneStackType": True,
            "sourceCodeIsNotOnSearchfox": True,
            "keepProfileThreadOrder": True,
            "initialVisibleThreads": [*range(len(threads))],
        },
        "libs": [],
        "shared": shared.tables(),
        "threads": threads,
    }


class _Shared:
    """The tables that all threads share; rows are numbered as they come."""

    def __init__(self, operations: Sequence[str]) -> None:
        self._strings: dict[str, int] = {}
        self._sources: dict[str, int] = {}
        self._frames: dict[tuple[str, int | None, int], int] = {}
        self._nodes: dict[tuple[int | None, int], int] = {}
        self._category = {name: number for number, name in enumerate(filter(None, operations), 1)}

    @property
    def categories(self) -> list[_Columns]:
        """A category for each operation, after the one of stacks that belong to none."""
        colours = itertools.cycle(_COLOURS)
        names = [("Other", "grey"), *zip(self._category, colours, strict=False)]
        return [{"name": name, "color": colour, "subcategories": ["Other"]} for name, colour in names]

    def stack(self, stack: tuple[str, ...], lines: dict[str, int]) -> int:
        """Return the number of a stack's leaf."""
        category = self._category.get(operation_of_root(stack[0]), _OTHER)
        node: int | None = None
        for frame in stack:
            key = frame, lines.get(frame), category
            place = node, self._frames.setdefault(key, len(self._frames))
            node = self._nodes.setdefault(place, len(self._nodes))
        assert node is not None  # noqa: S101 - a stack has a frame
        return node

    def tables(self) -> _Columns:
        """Return the tables."""
        frames, nodes = list(self._frames), list(self._nodes)
        functions = dict.fromkeys(frame for frame, _, _ in frames)
        number = {frame: at for at, frame in enumerate(functions)}
        return {
            "stackTable": {
                "frame": [frame for _, frame in nodes],
                "prefix": [prefix for prefix, _ in nodes],
                "length": len(nodes),
            },
            "frameTable": self._frame_table(frames, number),
            "funcTable": self._function_table(list(functions)),
            "resourceTable": {"lib": [], "name": [], "host": [], "type": [], "length": 0},
            "nativeSymbols": {"libIndex": [], "address": [], "name": [], "functionSize": [], "length": 0},
            "sources": {
                "uuid": [None] * len(self._sources),
                "filename": [self._string(path) for path in self._sources],
                "length": len(self._sources),
            },
            "stringArray": list(self._strings),
        }

    def _frame_table(self, frames: Sequence[tuple[str, int | None, int]], number: dict[str, int]) -> _Columns:
        count = len(frames)
        return {
            "address": [-1] * count,
            "inlineDepth": [0] * count,
            "category": [category for _, _, category in frames],
            "subcategory": [0] * count,
            "func": [number[frame] for frame, _, _ in frames],
            "nativeSymbol": [None] * count,
            "innerWindowID": [0] * count,
            "line": [line for _, line, _ in frames],
            "column": [None] * count,
            "length": count,
        }

    def _function_table(self, functions: Sequence[str]) -> _Columns:
        count, named = len(functions), [function_and_file(frame) for frame in functions]
        return {
            "name": [self._string(name) for name, _ in named],
            "isJS": [False] * count,
            "relevantForJS": [False] * count,
            "resource": [-1] * count,
            "source": [
                self._sources.setdefault(path, len(self._sources)) if path else None for _, path in named
            ],
            "lineNumber": [None] * count,
            "columnNumber": [None] * count,
            "length": count,
        }

    def _string(self, text: str) -> int:
        # Surrogates, of names that were no UTF-8, have no encoding.
        text = text.encode("utf-8", "replace").decode()
        return self._strings.setdefault(text, len(self._strings))


def _thread(stacks: Stacks, number: int, shared: _Shared) -> _Columns:
    lines = dict(stacks.profile.lines)
    weight_type, factor = _WEIGHTS.get(stacks.profile.unit, ("samples", 1.0))
    found = stacks.profile.stacks
    length = len(found)
    end_ms = stacks.seconds * _MS_PER_S
    return {
        "processType": "default",
        "processName": stacks.side,
        "processStartupTime": 0,
        "processShutdownTime": None,
        "registerTime": 0,
        "unregisterTime": None,
        "pausedRanges": [],
        "name": f"{stacks.name} ({stacks.profile.unit})",
        "isMainThread": True,
        "pid": str(number),
        "tid": number,
        "samples": {
            "stack": [shared.stack(stack, lines) for stack in found],
            "time": [end_ms * place / max(length, 1) for place in range(length)],
            "weight": [weight * factor for weight in found.values()],
            "weightType": weight_type,
            "length": length,
        },
        "markers": {
            "data": [], "name": [], "startTime": [], "endTime": [], "phase": [], "category": [], "length": 0
        },
    }  # fmt: skip
