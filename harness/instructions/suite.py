"""Count the instructions of a micro suite: pairs of slots, whose memory layouts are drawn anew for each pair.

The layout of memory alone changes a count by up to some per cent: which names collide in the interpreter's caches, which
lists can grow in place. Both slots of a pair have one layout, so identical code counts equally there. Where code differs, it
shifts the layout too; the pairs show how much that is worth.
"""

import dataclasses
import math
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.exact.metrics import INSTRUCTIONS
from harness.instructions import functions
from harness.instructions.amounts import MOST_PAIRS, PAIRS, Amount, amount
from harness.instructions.pair import Outcome, run_pairs
from harness.instructions.valgrind import COUNTER
from harness.session.receipt import Count, Side, State
from harness.session.slots.block import Stage
from harness.session.slots.sizing import Found
from harness.session.slots.slot import Slot

NEAR = 0.0015
"""Largest change of a pair, as a share, at which three pairs suffice: half of the default margin."""
MOST_NAMED = 10
"""Number of benchmarks, those that changed most, whose functions are named."""
UNNAMED = "the functions behind it are named from Python 3.12 on"

HasTime = Callable[[], bool]

_ONE_CALL = "it makes one call in a process (benchmark.pedantic with one round), and more are needed to tell calls from the rest"


@dataclasses.dataclass(slots=True)
class _Series:
    """All pairs of one benchmark."""

    counts: dict[Side, list[float]] = dataclasses.field(default_factory=lambda: {side: [] for side in Side})
    unseen: list[str] = dataclasses.field(default_factory=list)
    sites: dict[Side, dict[str, float]] = dataclasses.field(default_factory=dict)
    note: str = ""

    @property
    def change(self) -> float:
        """The largest difference of a pair, as a share; infinite where it was not counted."""
        pairs = zip(self.counts[Side.BASE], self.counts[Side.CANDIDATE], strict=True)
        return max((abs(math.log(after / before)) for before, after in pairs), default=math.inf)

    def add(self, outcome: Outcome) -> None:
        """Add the counts of one pair."""
        if outcome.trouble:
            self.unseen.append(outcome.trouble)
            return
        for side in Side:
            answer = outcome.answers[side]
            if answer["unseen"]:
                self.unseen.append(f"{side}: {answer['unseen']}")
            elif answer["count"] <= 0:
                self.unseen.append(
                    f"{side}: its count differs more from window to window than with its calls"
                )
        if not self.unseen:
            for side in Side:
                self.counts[side].append(outcome.answers[side]["count"])

    def as_count(self, name: str, calls: int) -> Count:
        """Return the record. One that was not counted in every pair has no values, and says why in `unseen`."""
        complete = not self.unseen
        return Count(
            benchmark=name,
            metric=INSTRUCTIONS,
            requests=calls,
            base=self.counts[Side.BASE] if complete else [],
            candidate=self.counts[Side.CANDIDATE] if complete else [],
            base_sites=self.sites.get(Side.BASE, {}),
            candidate_sites=self.sites.get(Side.CANDIDATE, {}),
            unseen="; ".join(dict.fromkeys(self.unseen)),
            note=self.note,
        )


def count_suite(
    stage: Stage, found: Sequence[Found], seed: int, has_time: HasTime = lambda: True
) -> list[Count]:
    """Return the instructions of the benchmarks that both sides run, in three pairs of slots, and six where they differ.

    A benchmark that cannot be counted has a record with the reason. `has_time` is asked before each pair after the first three;
    where it says no, the rest is left out. Raises ForeignCodeError.
    """
    amounts = {one.name: amount(one.whole_ns) for one in found if one.state is State.BOTH}
    series = {name: _Series(unseen=list(filter(None, [one.too_long]))) for name, one in amounts.items()}
    for name in (one.name for one in found if one.name in series and one.most_calls):
        series[name].unseen.append(_ONE_CALL)
    rng = random.Random(seed)
    seeds = [rng.getrandbits(48) for _ in range(MOST_PAIRS)]
    for number, drawn in enumerate(seeds):
        open_ones = {
            name: amounts[name]
            for name, one in series.items()
            if not one.unseen and (number < PAIRS or one.change > NEAR)
        }
        if not open_ones or (number >= PAIRS and not has_time()):
            break
        for name, outcome in run_pairs(stage, open_ones, count_once, drawn).items():
            series[name].add(outcome)
    if has_time():
        _name_functions(stage, amounts, series, seeds[0])
    return [one.as_count(name, amounts[name].calls) for name, one in series.items()]


def count_once(slot: Slot, one: Amount, folder: Path) -> Any:
    """Count the benchmark that is ready in a slot: see `counter.count`."""
    return slot.use_tool(COUNTER, "count", one.calls, str(folder), one.windows)


def _name_functions(
    stage: Stage, amounts: Mapping[str, Amount], series: Mapping[str, _Series], seed: int
) -> None:
    """Add the functions of those that changed most, from one more pair: naming them changes what is counted."""
    changed = [name for name, one in series.items() if not one.unseen and one.change > NEAR]
    chosen = sorted(changed, key=lambda name: -series[name].change)[:MOST_NAMED]
    roots = {side: stage.code_of(side) for side in Side}

    def use(slot: Slot, one: Amount, folder: Path) -> dict[str, float]:
        files = slot.use_tool(COUNTER, "functions", one.calls, str(folder))
        if not files:
            return {}
        once, twice, names = map(Path, files)
        return functions.costs_per_call(once, twice, names, one.calls, roots[Side(slot.home.name)])

    wanted = {name: amounts[name] for name in chosen}
    for name, outcome in run_pairs(stage, wanted, use, seed, [functions.OPTION]).items():
        found = {side: outcome.answers.get(side, {}) for side in Side}
        if all(found.values()):
            series[name].sites = found
        else:
            series[name].note = outcome.trouble or UNNAMED
