"""The command line: the literal list of commands, and the one place where errors end."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn, Protocol

import harness
from harness.commands import (
    ablate,
    bench,
    calibrate,
    capacity,
    clean,
    compare,
    doctor,
    export,
    gate,
    judge,
    list_,
    profile,
    report,
    run,
)
from harness.commands.console import Talk, forget_stdout
from harness.errors import ExitCode, HarnessError, UsageError


class Command(Protocol):
    """What a command's module offers."""

    NAME: str
    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Declare the options."""

    def run(self, args: argparse.Namespace, talk: Talk, /) -> ExitCode:
        """Carry out the command."""


COMMANDS: tuple[Command, ...] = (
    list_,
    run,
    profile,
    capacity,
    bench,
    compare,
    gate,
    judge,
    ablate,
    calibrate,
    report,
    export,
    doctor,
    clean,
)


class _Parser(argparse.ArgumentParser):
    """Words that it cannot read are an error of the family, like any other."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message[:1].upper() + message[1:], remedy=f"See '{self.prog} --help'")


class _Aligned(argparse.HelpFormatter):
    """Puts the longest command beside its help: argparse forgets that commands are indented once more."""

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        self._action_max_length = max(self._action_max_length, 4 + max(len(one.NAME) for one in COMMANDS))


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; what it cannot read is a `UsageError`."""
    parser = _Parser(
        prog="harness",
        description="Load tests, profiles and verdicts that say when they cannot be trusted.",
        formatter_class=_Aligned,
    )
    parser.add_argument("--version", action="version", version=f"harness {harness.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(
            command.NAME, help=command.HELP, description=command.HELP, allow_abbrev=False
        )
        command.add_arguments(sub)
        sub.add_argument("--json", action="store_true", help="one JSON document on stdout, text on stderr")
        sub.set_defaults(command=command)
    return parser


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Carry out one command and return its exit code; every known error ends here as one sentence."""
    words = sys.argv[1:] if arguments is None else arguments
    # Needed before the words are understood: a mistake in them is told as JSON too.
    talk = Talk(as_json="--json" in words)
    try:
        args = _parse(words)
        code: ExitCode = args.command.run(args, talk)
    except HarnessError as error:
        return _fail(talk, str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail(talk, "Interrupted; what was measured is kept.", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Who read our output has gone, as in `harness list | head -1`: not all was said, so this is no success.
        forget_stdout()
        return ExitCode.FAILED
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        sentence = (
            f"A file cannot be used: {error.strerror or error}{where}. Free some disk or name another place"
        )
        return _fail(talk, sentence, ExitCode.FAILED)
    return code


def _parse(words: Sequence[str]) -> argparse.Namespace:
    args, rest = make_parser().parse_known_args(words)
    if rest:
        raise UsageError(
            f"'{args.command.NAME}' does not know {' '.join(rest)}",
            remedy=f"See 'harness {args.command.NAME} --help'",
        )
    return args


def _fail(talk: Talk, sentence: str, code: ExitCode) -> ExitCode:
    talk.say(f"harness: {sentence}")
    if talk.as_json:
        talk.document({"schema": 1, "error": sentence, "exit_code": int(code)})
    return code


def entry() -> None:
    """Run as the console script."""
    sys.exit(main())
