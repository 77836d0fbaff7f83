"""The work of `harness calibrate`: sessions of known changes, each stored before the next begins, and their card."""

import dataclasses
import random
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from harness import environment
from harness.calibrate.card import Card, make_card, read_card, with_earlier, write_card
from harness.calibrate.digest import gate_digest
from harness.calibrate.effects import TRIALS, Trial, what_was_done
from harness.calibrate.sessions import CalibrationSession
from harness.calibrate.state import CalibrationState, left_to_do
from harness.console.console import Talk
from harness.console.session_progress import Narrowing
from harness.errors import UsageError
from harness.supervise import Supervisor
from harness.work.ended import EarlyEnd


def trials_of(names: Sequence[str]) -> list[Trial]:
    """Return the trials of these names, or all. Raises `UsageError` for an unknown name."""
    known = {trial.name: trial for trial in TRIALS}
    for name in names:
        if name not in known:
            raise UsageError(f"There is no trial '{name}'", remedy=f"Choose from: {', '.join(known)}")
    return [known[name] for name in names] or list(TRIALS)


def current_card(state: CalibrationState, place: Path) -> Card:
    """Return the card of the sessions at hand, extended by the card at `place`."""
    names = [trial.name for trial in TRIALS]
    card = make_card(state.outcomes(), gate_digest(), environment.collect(), names)
    return with_earlier(card, read_card(place) if place.exists() else None, names)


@dataclasses.dataclass(slots=True)
class Calibration:
    """A series of sessions, each stored before the next begins."""

    state: CalibrationState
    gate: str
    card: Path
    talk: Talk
    with_beside: bool

    def run(self, trials: list[Trial], most: int | None, budget_s: float | None) -> EarlyEnd:
        """Make the missing sessions; return how the work ended. Raises `HarnessError`; finished sessions are kept."""
        left = left_to_do(trials, self.state.outcomes(), self.gate)[:most]
        self.talk.say(f"{len(left)} sessions to go; Ctrl-C keeps the finished ones.")
        started_s = time.monotonic()
        early = EarlyEnd()
        with early.measuring() as supervisor:
            for number, trial in enumerate(left, 1):
                if budget_s is not None and time.monotonic() - started_s > budget_s:
                    break
                self.talk.say(f"Session {number} of {len(left)}: {what_was_done(trial)}")
                self._session(trial, supervisor)
        return early

    def _session(self, trial: Trial, supervisor: Supervisor) -> None:
        earlier = [outcome for outcome in self.state.outcomes() if outcome.gate == self.gate]
        session = CalibrationSession(
            trial=trial,
            seed=random.Random(secrets.token_bytes(8)).getrandbits(32),
            folder=self.state.new_folder(trial),
            gate=self.gate,
            earlier=self.state.receipt_of(earlier[0]) if earlier else None,
            with_beside=self.with_beside,
        )
        with Narrowing(self.talk) as progress:
            self.state.add(session.run(supervisor, progress))
        write_card(self.card, current_card(self.state, self.card))
