"""Export a profile to pprof: gzipped protocol buffers that `go tool pprof`, Pyroscope and Parca open.

The message is `Profile` of https://github.com/google/pprof/blob/main/proto/profile.proto, whose field numbers stand below.
Every sample has the labels `operation` (none for stacks of no operation) and `side`, so that several files read together stay
apart: `-tagfocus`, `-tagroot side`. Stacks keep the operation as their root frame. Weights are rounded to whole units.
"""

import gzip
import itertools
from collections.abc import Iterable

from harness.clock import NS_PER_S
from harness.export.stacks import Stacks, function_and_file, operation_of_root

_VARINT, _BYTES = 0, 2
_MOST = 2**63 - 1
# Profile
_SAMPLE_TYPE, _SAMPLE, _MAPPING, _LOCATION, _FUNCTION, _STRINGS = 1, 2, 3, 4, 5, 6
_TIME_NS, _DURATION_NS, _PERIOD_TYPE, _PERIOD = 9, 10, 11, 12
# ValueType
_TYPE, _UNIT = 1, 2
# Sample, and Label
_LOCATIONS, _VALUES, _LABEL = 1, 2, 3
_KEY, _TEXT = 1, 2
# Location, and Line
_ID, _OF_MAPPING, _LINE = 1, 2, 4
_OF_FUNCTION, _NUMBER = 1, 2
# Function; Mapping
_NAME, _SYSTEM_NAME, _FILE = 2, 3, 4
_MAPPING_FILE, _HAS = 5, (7, 8, 9)

_TYPES = {
    "samples": ("samples", "count"), "allocations": ("allocations", "count"), "bytes": ("space", "bytes"),
    "ns": ("wait", "nanoseconds"),
}  # fmt: skip


def as_pprof(stacks: Stacks) -> bytes:
    """Return the gzipped message; equal stacks give equal bytes."""
    return gzip.compress(_Message(stacks).encoded(), mtime=0)


class _Message:
    """One profile being written; strings, functions and locations are numbered as they come."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks
        self._strings = {"": 0}
        self._frames: dict[str, int] = {}

    def encoded(self) -> bytes:
        """Return the message."""
        stacks = self._stacks
        types, values_per_weight = self._types()
        samples = [
            _field(_SAMPLE, self._sample(stack, weight, values_per_weight))
            for stack, weight in stacks.profile.stacks.items()
        ]
        parts = [
            *(_field(_SAMPLE_TYPE, one) for one in types),
            *samples,
            _field(_MAPPING, self._mapping()),
            *itertools.chain.from_iterable(
                self._place(frame, number) for frame, number in self._frames.items()
            ),
            _field(_TIME_NS, round(stacks.began_unix_s * NS_PER_S)),
            _field(_DURATION_NS, round(stacks.seconds * NS_PER_S)),
            *(
                (_field(_PERIOD_TYPE, types[-1]), _field(_PERIOD, round(stacks.ns_per_sample)))
                if stacks.ns_per_sample
                else ()
            ),
        ]
        return b"".join([*parts, *(_field(_STRINGS, text.encode()) for text in self._strings)])

    def _types(self) -> tuple[list[bytes], list[float]]:
        """Return the types of a sample's values, and each value for a weight of one."""
        unit, sample_ns = self._stacks.profile.unit, self._stacks.ns_per_sample
        names = [_TYPES.get(unit, (unit, unit))]
        if sample_ns:
            names.append(("cpu", "nanoseconds"))
        types = [_field(_TYPE, self._string(kind)) + _field(_UNIT, self._string(of)) for kind, of in names]
        # A whole number, which keeps large weights exact.
        return types, [1, *([sample_ns] if sample_ns else [])]

    def _sample(self, stack: tuple[str, ...], weight: float, per_weight: Iterable[float]) -> bytes:
        # The leaf comes first.
        locations = b"".join(_varint(self._frame(frame)) for frame in reversed(stack))
        values = b"".join(_varint(min(round(weight * factor), _MOST)) for factor in per_weight)
        labels = {"side": self._stacks.side, "operation": operation_of_root(stack[0])}
        return b"".join(
            [
                _field(_LOCATIONS, locations),
                _field(_VALUES, values),
                *(
                    _field(_LABEL, _field(_KEY, self._string(key)) + _field(_TEXT, self._string(text)))
                    for key, text in labels.items()
                    if text
                ),
            ]
        )

    def _mapping(self) -> bytes:
        # Without one that has its functions, pprof looks for a binary to take their names from.
        return b"".join(
            [
                _field(_ID, 1),
                _field(_MAPPING_FILE, self._string("python")),
                *(_field(known, 1) for known in _HAS),
            ]
        )

    def _place(self, frame: str, number: int) -> tuple[bytes, bytes]:
        """Return a frame's function and location, both with its number."""
        name, path = function_and_file(frame)
        line = _field(_OF_FUNCTION, number) + _field(_NUMBER, self._stacks.profile.lines.get(frame, 0))
        location = _field(_ID, number) + _field(_OF_MAPPING, 1) + _field(_LINE, line)
        text = self._string(name)
        function = _field(_ID, number) + _field(_NAME, text) + _field(_SYSTEM_NAME, text)
        return _field(_FUNCTION, function + _field(_FILE, self._string(path))), _field(_LOCATION, location)

    def _frame(self, frame: str) -> int:
        return self._frames.setdefault(frame, len(self._frames) + 1)

    def _string(self, text: str) -> int:
        # Surrogates, of names that were no UTF-8, have no encoding.
        text = text.encode("utf-8", "replace").decode()
        return self._strings.setdefault(text, len(self._strings))


def _field(number: int, value: int | bytes) -> bytes:
    """Return a field of a message: a number, or bytes with their length. Zero is the default and is left out."""
    if isinstance(value, bytes):
        return _varint(number << 3 | _BYTES) + _varint(len(value)) + value
    return _varint(number << 3 | _VARINT) + _varint(value) if value else b""


def _varint(value: int) -> bytes:
    """Return a number in base 128, the lowest digit first; negative ones as 64 bits of two's complement."""
    value &= 0xFFFFFFFFFFFFFFFF
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)
