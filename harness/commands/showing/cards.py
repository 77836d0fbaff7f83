"""A calibration card in the words of a report."""

from collections.abc import Iterator, Mapping

from harness.calibrate.card import Card, TrialCard, same_machine
from harness.calibrate.card import Rate as CardRate
from harness.calibrate.effects import (
    SECONDS_TO_OK,
    SECONDS_TO_REGRESSED,
    TRIALS,
    Trial,
    what_was_done,
)
from reports.shared.card import CardFacts, Rate, Seconds

_BY_NAME = {trial.name: trial for trial in TRIALS}


def facts_of(card: Card, environment: Mapping[str, object] | None = None) -> CardFacts:
    """Return what a report shows of a card; `environment` is the session's, to say whether the card applies."""
    return CardFacts(
        measured_at=card.calibrated_at or "an unknown day",
        machine=f"{card.environment.get('cpu')}, {card.environment.get('cores')} cores",
        configuration=f"gate {card.gate}",
        rates=[rate for trial in card.trials for rate in _rates(trial)],
        seconds=[seconds for trial in card.trials for seconds in _seconds(trial)],
        applies=environment is None or same_machine(card.environment, environment),
        note="A comparison is a benchmark with all its metrics. Those of one session share its machine, so the bounds by session "
        "are the safe ones. Below the gate stand other ways to judge the same recorded sessions. What was added, and what the gate "
        "saw of it, are medians. Sessions are steady if neither bad blocks nor a dirty control withheld their verdicts.",
    )


def _effect(trial: TrialCard, known: Trial | None) -> str:
    """Return what a trial did, and where that was a share of the time: how much it was, and how much the gate saw."""
    if known is None:
        return trial.trial
    what = what_was_done(known)
    if not (known.spin_share or known.tail) or trial.change_median is None:
        return what
    return f"{what}: added {100 * trial.added:.1f} %, seen {100 * trial.change_median:.1f} %"


def _rates(trial: TrialCard) -> Iterator[Rate]:
    known = _BY_NAME.get(trial.trial)
    effect = _effect(trial, known)
    yield _rate(effect, "the gate", trial.alarms, known.goal if known else "")
    if trial.steady_alarms is not None and trial.steady_alarms.total < trial.alarms.total:
        yield _rate(effect, "the gate, steady sessions", trial.steady_alarms)
    if known is None or known.changes_nothing:
        yield _rate(effect, "by session, any alarm", trial.session_alarms)
    else:
        yield _rate(effect, "by session, all found", trial.session_finds)
    others = {**trial.mutants, **{f"pytest-benchmark {rule}": rate for rule, rate in trial.beside.items()}}
    for name, rate in others.items():
        yield _rate(effect, name, rate)


def _seconds(trial: TrialCard) -> Iterator[Seconds]:
    """Yield the time to the right verdict of the trial, if any comparison reached it."""
    known = _BY_NAME.get(trial.trial)
    if known is None:
        return
    verdict, seconds, goal_s = (
        ("ok", trial.seconds_to_ok, SECONDS_TO_OK)
        if known.changes_nothing
        else ("regressed", trial.seconds_to_regressed, SECONDS_TO_REGRESSED)
    )
    if seconds is not None:
        goal = f"at most {known.budget_s or goal_s:g} s"
        yield Seconds(effect=what_was_done(known), verdict=verdict, median_s=seconds, goal=goal)


def _rate(effect: str, by: str, rate: CardRate, goal: str = "") -> Rate:
    return Rate(effect=effect, by=by, k=rate.count, n=rate.total, low=rate.low, high=rate.high, goal=goal)
