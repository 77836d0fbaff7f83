"""A calibration card in the words of a report."""

from collections.abc import Iterator, Mapping

from harness.calibrate.card import Card, TrialCard, same_machine
from harness.calibrate.card import Rate as CardRate
from harness.calibrate.effects import TRIALS, Trial, what_was_done
from reports.shared.card import CardFacts, Rate

_GOALS = {
    "same": "at most 1 %",
    "slower-5%": "at least 99 %",
    "slower-3%": "at least 95 %",
    "slower-1%-60s": "at least 90 %",
}
_BY_NAME = {trial.name: trial for trial in TRIALS}


def facts_of(card: Card, environment: Mapping[str, object] | None = None) -> CardFacts:
    """Return what a report shows of a card; `environment` is the session's, to say whether the card applies."""
    return CardFacts(
        measured_at=card.calibrated_at or "an unknown day",
        machine=f"{card.environment.get('cpu')}, {card.environment.get('cores')} cores",
        configuration=f"gate {card.gate}",
        rates=[rate for trial in card.trials for rate in _rates(trial)],
        applies=environment is None or same_machine(card.environment, environment),
        note="Below the gate stand other ways to judge the same recorded sessions. What was added, and what the gate "
        "saw of it, are medians. Sessions are steady if neither bad blocks nor a dirty control withheld their verdicts.",
    )


def _effect(trial: TrialCard, known: Trial | None) -> str:
    """Return what a trial did, and where that was a share of the time: how much it was, and how much the gate saw."""
    if known is None:
        return trial.trial
    what = what_was_done(known)
    if not known.spin_share or trial.change_median is None:
        return what
    return f"{what}: added {100 * trial.added:.1f} %, seen {100 * trial.change_median:.1f} %"


def _rates(trial: TrialCard) -> Iterator[Rate]:
    effect = _effect(trial, _BY_NAME.get(trial.trial))
    yield _rate(effect, "the gate", trial.alarms, _GOALS.get(trial.trial, ""))
    if trial.steady_alarms is not None and trial.steady_alarms.total < trial.alarms.total:
        yield _rate(effect, "the gate, steady sessions", trial.steady_alarms)
    yield _rate(effect, "the gate, by session", trial.session_alarms)
    others = {**trial.mutants, **{f"pytest-benchmark {rule}": rate for rule, rate in trial.beside.items()}}
    for name, rate in others.items():
        yield _rate(effect, name, rate)


def _rate(effect: str, by: str, rate: CardRate, goal: str = "") -> Rate:
    return Rate(effect=effect, by=by, k=rate.count, n=rate.total, low=rate.low, high=rate.high, goal=goal)
