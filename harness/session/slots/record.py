"""Gather what the slots of a block report, benchmark by benchmark. The slot that is of neither side serves the null control."""

import statistics
from collections import defaultdict
from collections.abc import Collection

from harness.session.receipt import NULL_CONTROL, Concurrency, FirstCall, Sentinel, Side, Slices
from harness.session.slots.room import MOST_TAKEN
from harness.session.slots.slot import Message

_CROWDED = "other processes took {1:.0%} of the session's CPUs (limit {2:.0%}), where its {0} run beside its calling thread"
_SIDES = frozenset(map(str, Side))


class Record:
    """The measurements of a block so far."""

    def __init__(self) -> None:
        self.slices: dict[str, Slices] = {}
        self.failed: dict[str, str] = {}
        self.crowded: dict[str, str] = {}
        self.import_ns: dict[str, int] = {}
        self.import_cpu_ns: dict[str, int] = {}
        self.fixed_layout = False
        self._first_calls: dict[str, dict[str, FirstCall]] = {}
        self._calls: dict[str, int] = {}
        self.beside: dict[str, Concurrency] = {}
        self.idle_cpu: dict[str, float] = {}
        self.taken: list[float] = []
        """Shares of the session's CPUs that other processes took, at moments when all slots were stopped."""
        self.sentinels: dict[str, list[int]] = defaultdict(list)

    def collected(self, side: str, message: Message) -> None:
        """Record the cost of the imports."""
        self.import_ns[side], self.import_cpu_ns[side] = message.import_ns, message.import_cpu_ns

    def ready(self, side: str, message: Message, *, is_null: bool) -> None:
        """Record the first call of a benchmark; `is_null` if the null control compares it too."""
        if not any(message.first):
            # Its only call is its slice.
            return
        first = FirstCall(wall_ns=message.first[0], cpu_ns=message.first[1])
        if side in _SIDES:
            self._first_calls.setdefault(message.name, {})[side] = first
        if is_null and side != Side.CANDIDATE:
            side_of_null = Side.BASE if side == Side.BASE else Side.CANDIDATE
            self._first_calls.setdefault(NULL_CONTROL, {})[side_of_null] = first

    def done(self, name: str, side: str, message: Message) -> None:
        """Record the end of a benchmark in a slot."""
        if message.outcome != "passed":
            self.fail(name, side, message.error)
        if message.beside is not Concurrency.NONE and self.beside.get(name) is not Concurrency.CHILDREN:
            self.beside[name] = message.beside
        self._calls[name] = message.calls

    def require_room(self, names: Collection[str]) -> None:
        """Drop the benchmarks that work beside their thread, if other processes took the CPUs for that."""
        share = statistics.fmean(self.taken) if self.taken else 0.0
        if share <= MOST_TAKEN:
            return
        for name in names:
            if self.slices.pop(name, None):
                kind = self.beside.get(name, Concurrency.THREADS)
                self.crowded[name] = _CROWDED.format(kind, share, MOST_TAKEN)

    def fail(self, name: str, side: str, why: str) -> None:
        """Record a failure of a benchmark on one side; it then counts as measured on neither side."""
        self.failed.setdefault(name, f"{side}: {why}")
        self.slices.pop(name, None)

    @property
    def first_calls(self) -> dict[str, dict[str, FirstCall]]:
        """The first calls of the measured benchmarks."""
        return {name: self._first_calls[name] for name in self.slices if name in self._first_calls}

    @property
    def calls(self) -> dict[str, int]:
        """The number of calls of each measured benchmark; all slots make the same number."""
        return {name: calls for name, calls in self._calls.items() if name in self.slices}

    def nothing(self) -> str | None:
        """Return the reasons why the block measured nothing; None if it measured something."""
        if self.slices:
            return None
        return "; ".join(f"{name}: {why}" for name, why in (self.failed | self.crowded).items())

    def sentinel(self) -> Sentinel:
        """Return the sentinel of all slots."""
        return Sentinel(
            base_ns=self.sentinels[Side.BASE],
            candidate_ns=self.sentinels[Side.CANDIDATE],
            null_ns=[ns for name, times in self.sentinels.items() if name not in _SIDES for ns in times],
        )
