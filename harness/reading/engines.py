"""Name the parts of each engine: what runs side by side in it, and what blocks its event loop."""

import dataclasses
from collections.abc import Iterable, Mapping

from harness.model import Engine
from harness.reading.summary import RunSummary
from harness.table.heldby import NAMES


@dataclasses.dataclass(frozen=True, slots=True)
class Words:
    """The words of one engine. `units` are its flows of control, `told` what it is, in one clause."""

    units: str
    told: str
    waits_unseen: str
    """Cause of a loop that is blocked without using the CPU."""
    remedy: str
    hook: str
    """Function of the harness that a tool may have replaced."""

    @property
    def others(self) -> str:
        """Name of the target's background work as a cause of a blocked event loop."""
        return f"other {self.units}"

    @property
    def blockers(self) -> tuple[str, ...]:
        """Names of the causes other than operations, in the order of `heldby.NAMES`."""
        return (*NAMES[:-1], self.others)


WORDS: Mapping[Engine, Words] = {
    Engine.GEVENT: Words(
        "greenlets",
        "greenlets of one thread, started by Locust",
        "the library that it waits in does not cooperate with gevent",
        "With --engine threads they overlap",
        "greenlet trace function",
    ),
    Engine.ASYNCIO: Words(
        "tasks",
        "tasks of one event loop",
        "it waits in a function that is not awaited, as time.sleep or requests do",
        "Awaited in asyncio.to_thread they overlap",
        "event loop, or the function that runs its steps,",
    ),
    Engine.THREADS: Words(
        "threads",
        "real threads, without an event loop",
        "it waits in a function that keeps the GIL",
        "",
        "hook",
    ),
}


def engine_of(run: RunSummary) -> Engine:
    """Return the engine that drove a run; runs without facts are of the only one that older harnesses had."""
    return run.facts.engine if run.facts else Engine.GEVENT


def words_of(run: RunSummary) -> Words:
    """Return the words of the engine that drove a run."""
    return WORDS[engine_of(run)]


def units(runs: Iterable[RunSummary]) -> str:
    """Return the flows of control of some runs: "greenlets", or "greenlets or tasks" for runs of two engines."""
    return " or ".join(dict.fromkeys(words_of(run).units for run in runs))


def others(runs: Iterable[RunSummary]) -> str:
    """Return the same for those of other calls and of the target."""
    return f"other {units(runs)}"
