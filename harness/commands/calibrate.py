"""`harness calibrate`: measure how often the gate is right on this machine and write the calibration card."""

import argparse
from pathlib import Path

import msgspec

from harness import environment
from harness.calibrate.card import Card, write_card
from harness.calibrate.digest import gate_digest
from harness.calibrate.effects import TRIALS
from harness.calibrate.shelf import card_file, refuse_another_machine
from harness.calibrate.state import CalibrationState
from harness.commands.options.shared import positive_int, span_s
from harness.commands.showing.cards import facts_of
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.judge import policy_file
from harness.work.calibration import Calibration, current_card, trials_of

DEFAULT_CARD = "calibration.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    names = ", ".join(trial.name for trial in TRIALS).replace("%", "%%")
    parser.add_argument(
        "--trial",
        action="append",
        default=[],
        metavar="NAME",
        help=f"only this trial; may be given several times: {names}",
    )
    parser.add_argument("--sessions", type=positive_int, metavar="N", help="stop after this many sessions")
    parser.add_argument("--budget", type=span_s, metavar="D", help="start no session after this time: 2h")
    parser.add_argument(
        "--beside",
        action="store_true",
        help="after each session, also compare the same work with pytest-benchmark",
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("runs/calibration"),
        metavar="DIR",
        help="folder of finished sessions; a later call continues from it (default runs/calibration)",
    )
    parser.add_argument(
        "--card",
        type=Path,
        metavar="PLACE",
        help=f"file of the calibration card, or a folder with one for each machine (default: the policy's, or {DEFAULT_CARD})",
    )
    parser.add_argument(
        "--show", action="store_true", help="show the card of the finished sessions without measuring"
    )


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    trials = trials_of(args.trial)
    state = CalibrationState(args.state)
    here = environment.collect()
    place = card_file(args.card or Path(policy_file.read(Path.cwd()).card or DEFAULT_CARD), here)
    interrupted = False
    # A card that cannot be read or must not be written is refused before hours of measuring.
    refuse_another_machine(place, here)
    card = current_card(state, place)
    if not args.show:
        calibration = Calibration(state, gate_digest(), place, talk, with_beside=args.beside)
        interrupted = calibration.run(trials, args.sessions, args.budget).interrupted
        card = current_card(state, place)
        if card.trials:
            write_card(place, card)
    _show(card, talk, place)
    return ExitCode.INTERRUPTED if interrupted else ExitCode.OK


def _show(card: Card, talk: Talk, place: Path) -> None:
    from reports.shared.card import build_card, render_card_text

    if talk.as_json:
        talk.document({"schema": 1, "file": str(place), "card": msgspec.to_builtins(card)})
    elif card.trials:
        talk.people.write(render_card_text(build_card(facts_of(card)), talk.console.width))
    else:
        talk.say(
            "No finished session belongs to this state of the gate's code. Measure one: harness calibrate"
        )
