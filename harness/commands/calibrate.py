"""`harness calibrate`: how often the gate is right on this machine, kept as a card."""

import argparse
import dataclasses
import random
import secrets
import time
from pathlib import Path

import msgspec

from harness import environment
from harness.calibrate.card import Card, make_card, read_card, with_earlier, write_card
from harness.calibrate.digest import gate_digest
from harness.calibrate.effects import TRIALS, Trial
from harness.calibrate.sessions import CalibrationSession
from harness.calibrate.shelf import card_file, refuse_another_machine
from harness.calibrate.state import CalibrationState, left_to_do
from harness.commands.options.shared import positive_int, span_s
from harness.commands.showing.cards import facts_of, what_was_done
from harness.console.console import Talk
from harness.console.session_progress import Narrowing
from harness.errors import ExitCode, UsageError
from harness.judge import policy_file
from harness.supervise import Supervisor, termination_as_exception

DEFAULT_CARD = "calibration.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    names = ", ".join(trial.name for trial in TRIALS).replace("%", "%%")
    parser.add_argument("--trial", action="append", default=[], metavar="NAME", help=f"only these: {names}")
    parser.add_argument("--sessions", type=positive_int, metavar="N", help="stop after so many sessions")
    parser.add_argument("--budget", type=span_s, metavar="D", help="begin no session after this time")
    parser.add_argument(
        "--beside", action="store_true", help="have pytest-benchmark judge the same work after each session"
    )
    parser.add_argument(
        "--state", type=Path, default=Path("runs/calibration"), metavar="DIR", help="where sessions are kept"
    )
    parser.add_argument(
        "--card",
        type=Path,
        metavar="PLACE",
        help=f"the card, or a folder with one for each machine (default: the policy's, or {DEFAULT_CARD})",
    )
    parser.add_argument(
        "--show", action="store_true", help="show the card of what there is, and measure nothing"
    )


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    trials = _trials(args.trial)
    state = CalibrationState(args.state)
    here = environment.collect()
    place = card_file(args.card or Path(policy_file.read(Path.cwd()).card or DEFAULT_CARD), here)
    interrupted = False
    # A card that cannot be read, or must not be written, is found before hours are spent, not after.
    refuse_another_machine(place, here)
    card = _card(state, place)
    if not args.show:
        work = _Work(state, gate_digest(), place, talk, with_beside=args.beside)
        interrupted = work.run(trials, args.sessions, args.budget)
        card = _card(state, place)
        if card.trials:
            write_card(place, card)
    _show(card, talk, place)
    return ExitCode.INTERRUPTED if interrupted else ExitCode.OK


def _trials(names: list[str]) -> list[Trial]:
    known = {trial.name: trial for trial in TRIALS}
    for name in names:
        if name not in known:
            raise UsageError(f"There is no trial '{name}'", remedy=f"There are: {', '.join(known)}")
    return [known[name] for name in names] or list(TRIALS)


def _card(state: CalibrationState, place: Path) -> Card:
    """Return the card of the sessions that are at hand, with what the card at `place` knows beyond them."""
    names = [trial.name for trial in TRIALS]
    card = make_card(state.outcomes(), gate_digest(), environment.collect(), names)
    return with_earlier(card, read_card(place) if place.exists() else None, names)


@dataclasses.dataclass(slots=True)
class _Work:
    """Session after session, each on the disk before the next begins."""

    state: CalibrationState
    gate: str
    card: Path
    talk: Talk
    with_beside: bool

    def run(self, trials: list[Trial], most: int | None, budget_s: float | None) -> bool:
        """Make what is missing; return True if the user stopped it."""
        left = left_to_do(trials, self.state.outcomes(), self.gate)[:most]
        self.talk.say(f"{len(left)} sessions to go; Ctrl-C keeps those that are finished.")
        started_s = time.monotonic()
        try:
            with termination_as_exception(), Supervisor() as supervisor:
                for number, trial in enumerate(left, 1):
                    if budget_s is not None and time.monotonic() - started_s > budget_s:
                        break
                    self.talk.say(f"Session {number} of {len(left)}: {what_was_done(trial)}")
                    self._session(trial, supervisor)
        except KeyboardInterrupt:
            return True
        return False

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
        write_card(self.card, _card(self.state, self.card))


def _show(card: Card, talk: Talk, place: Path) -> None:
    from reports.card import build_card, render_card_text

    if talk.as_json:
        talk.document({"schema": 1, "file": str(place), "card": msgspec.to_builtins(card)})
    elif card.trials:
        talk.people.write(render_card_text(build_card(facts_of(card)), talk.console.width))
    else:
        talk.say("There is no finished session of this state of the gate.")
