"""The calibration card: the gate's hit and false alarm counts on this machine, k of N with Clopper-Pearson bounds.

A card holds for one machine and one state of the gate: sessions of other states of the code are not counted.

Schema history: 1, the first; 2, one comparison for each benchmark, the time to its verdict, sessions that found every change.
"""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.environment import differences
from harness.errors import InvalidRunError
from harness.judge.blocks import MOST_BAD
from harness.judge.metrics import FIXED_LOOP
from harness.judge.verdict import Verdict
from harness.run.directory import write_atomically
from harness.stats.proportion import clopper_pearson
from harness.storage import files

SCHEMA = 2
CONFIDENCE = 0.95


class CalibrationOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The gate's verdict on one benchmark in one calibration session, and the work actually added to it.

    The verdict is the worst over the benchmark's metrics that count; `metric` and `change` are those of that metric.
    `seconds` is the time of the session for it: those of its blocks, each shared equally among the block's benchmarks.
    """

    benchmark: str
    verdict: Verdict
    metric: str
    change: float | None
    added: float
    seconds: float
    mutants: dict[str, Verdict] = {}


class SessionOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One calibration session; `beside` holds pytest-benchmark's flags for the same work, by rule."""

    trial: str
    gate: str
    """Digest of the code that measured and judged."""
    receipt: str
    seconds: float
    outcomes: list[CalibrationOutcome]
    null_clean: bool
    bad_blocks: float
    load_average: float
    """Load average of the machine at the end of the session, including the session's own process."""
    finished_at: str
    beside: dict[str, list[str]] | None = None

    @property
    def is_steady(self) -> bool:
        """Return True if the machine was steady enough for verdicts on time; otherwise all were withheld.

        A candidate that slows its whole process spoils blocks itself, and is judged by that.
        """
        slowed = any(one.metric == FIXED_LOOP and _alarm(one.verdict) for one in self.outcomes)
        return slowed or (self.null_clean and self.bad_blocks <= MOST_BAD)


class Rate(msgspec.Struct, frozen=True):
    """`count` of `total`, with 95 % bounds."""

    count: int
    total: int
    low: float
    high: float

    @classmethod
    def of(cls, count: int, total: int) -> "Rate":
        """Return the rate with its Clopper-Pearson bounds."""
        low, high = clopper_pearson(count, total, CONFIDENCE)
        return cls(count, total, low, high)


class TrialCard(msgspec.Struct, frozen=True, kw_only=True):
    """The results of all sessions of one trial. `alarms` are verdicts `regressed`, false or true.

    `session_alarms` are the sessions with any alarm, and `session_finds` those in which every comparison alarmed:
    comparisons of one session share its machine and its control, so these bounds hold without their independence.
    `seconds_to_ok` and `seconds_to_regressed` are medians over the benchmarks with that verdict, of the time of the session
    up to it: a benchmark is in no block after its verdict, and the seconds of each block are shared equally among its
    benchmarks. The benchmark that carries the A/A check stays in every block. Preparing both sides is not in them.
    """

    trial: str
    added: float
    """Median of the work added to a call, as a share of it."""
    alarms: Rate
    verdicts: dict[str, int]
    session_alarms: Rate
    session_finds: Rate
    dirty_controls: Rate
    steady_alarms: Rate | None = None
    """Alarms of the sessions that could judge: without a failed A/A check or too many discarded blocks."""
    change_median: float | None
    change_deviation: float | None
    seconds_to_ok: float | None
    seconds_to_regressed: float | None
    mutants: dict[str, Rate]
    """Alarms that other methods would have raised on the same data."""
    beside: dict[str, Rate]
    """Benchmarks that pytest-benchmark flagged for the same work, by rule."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """All calibration results of a machine."""

    schema: int = SCHEMA
    gate: str
    environment: dict[str, Any]
    calibrated_at: str
    trials: list[TrialCard]

    def trial(self, name: str) -> TrialCard | None:
        """Return the trial called `name`, or None if it was not made."""
        return next((trial for trial in self.trials if trial.trial == name), None)


def make_card(
    sessions: Iterable[SessionOutcome], gate: str, environment: Mapping[str, Any], trials: Sequence[str]
) -> Card:
    """Return the card of the sessions of the gate's state `gate`, in the order of `trials`."""
    counted = [outcome for outcome in sessions if outcome.gate == gate]
    by_trial = {name: [outcome for outcome in counted if outcome.trial == name] for name in trials}
    return Card(
        gate=gate,
        environment=dict(environment),
        calibrated_at=max((outcome.finished_at for outcome in counted), default=""),
        trials=[_trial(name, made) for name, made in by_trial.items() if made],
    )


def with_earlier(card: Card, earlier: Card | None, trials: Sequence[str]) -> Card:
    """Return `card` with those trials of an `earlier` one that it lacks, or that have more comparisons there.

    Sessions live in a working folder and are easily lost; the card is permanent. Rows of the two are never added up,
    because they may share sessions. An earlier card of another machine, or of another state of the gate, is ignored.
    The order is that of `trials`.
    """
    if (
        earlier is None
        or earlier.gate != card.gate
        or not same_machine(card.environment, earlier.environment)
    ):
        return card
    largest = {row.trial: row for row in sorted((*card.trials, *earlier.trials), key=_comparisons)}
    return msgspec.structs.replace(
        card,
        calibrated_at=max(card.calibrated_at, earlier.calibrated_at),
        trials=[largest[name] for name in trials if name in largest],
    )


def same_machine(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Return True if a card of one environment holds for the other. Packages may differ: the gate is calibrated."""
    return set(differences(dict(first), dict(second))) <= {"packages"}


def _comparisons(row: TrialCard) -> int:
    return row.alarms.total


def _trial(name: str, sessions: Sequence[SessionOutcome]) -> TrialCard:
    outcomes = [outcome for made in sessions for outcome in made.outcomes]
    changes = [outcome.change for outcome in outcomes if outcome.change is not None]
    alarmed = sum(any(_alarm(outcome.verdict) for outcome in made.outcomes) for made in sessions)
    found = sum(all(_alarm(outcome.verdict) for outcome in made.outcomes) for made in sessions)
    steady = [outcome for made in sessions if made.is_steady for outcome in made.outcomes]
    return TrialCard(
        trial=name,
        added=statistics.median([outcome.added for outcome in outcomes] or [0.0]),
        alarms=_alarms(outcomes),
        steady_alarms=_alarms(steady),
        verdicts=dict(Counter(str(outcome.verdict) for outcome in outcomes)),
        session_alarms=Rate.of(alarmed, len(sessions)),
        session_finds=Rate.of(found, len(sessions)),
        dirty_controls=Rate.of(sum(not made.null_clean for made in sessions), len(sessions)),
        change_median=statistics.median(changes) if changes else None,
        change_deviation=statistics.stdev(changes) if len(changes) > 1 else None,
        seconds_to_ok=_seconds_to(Verdict.OK, outcomes),
        seconds_to_regressed=_seconds_to(Verdict.REGRESSED, outcomes),
        mutants=_mutants(outcomes),
        beside=_beside(sessions),
    )


def _alarms(outcomes: Sequence[CalibrationOutcome]) -> Rate:
    return Rate.of(sum(_alarm(outcome.verdict) for outcome in outcomes), len(outcomes))


def _alarm(verdict: Verdict) -> bool:
    return verdict is Verdict.REGRESSED


def _seconds_to(verdict: Verdict, outcomes: Sequence[CalibrationOutcome]) -> float | None:
    seconds = [outcome.seconds for outcome in outcomes if outcome.verdict is verdict]
    return statistics.median(seconds) if seconds else None


def _mutants(outcomes: Sequence[CalibrationOutcome]) -> dict[str, Rate]:
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.mutants)
    judged = {
        name: [outcome.mutants[name] for outcome in outcomes if name in outcome.mutants] for name in names
    }
    return {name: Rate.of(sum(map(_alarm, verdicts)), len(verdicts)) for name, verdicts in judged.items()}


def _beside(sessions: Sequence[SessionOutcome]) -> dict[str, Rate]:
    judged = [(made, made.beside) for made in sessions if made.beside is not None]
    rules = dict.fromkeys(rule for _, beside in judged for rule in beside)
    total = sum(len(made.outcomes) for made, _ in judged)
    return {rule: Rate.of(sum(len(beside.get(rule, [])) for _, beside in judged), total) for rule in rules}


def write_card(path: Path, card: Card) -> None:
    """Replace the card at `path`."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n")


def read_card(path: Path) -> Card:
    """Return the card at `path`. Raises `InvalidRunError` if it is missing, damaged or of another schema."""
    try:
        card = msgspec.json.decode(files.read_bytes(path, files.MOST_DOCUMENT_BYTES), type=Card)
    except OSError as error:
        raise InvalidRunError(
            f"The calibration card cannot be read: {error.strerror}",
            where=str(path),
            remedy="Run harness calibrate",
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRunError(
            f"The calibration card is damaged: {error}",
            where=str(path),
            remedy="Restore it from version control, or delete it and run harness calibrate",
        ) from error
    if card.schema != SCHEMA:
        raise InvalidRunError(
            f"The calibration card has schema {card.schema}; this harness reads schema {SCHEMA}",
            where=str(path),
        )
    return card
