"""The command line: the literal list of commands, and the one place where errors end."""

import argparse
import sys
from collections.abc import Sequence
from typing import Protocol

import harness
from harness.commands import clean, doctor, list_, report, run
from harness.commands.console import Talk
from harness.errors import ExitCode, HarnessError


class Command(Protocol):
    """What a command's module offers."""

    NAME: str
    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Declare the options."""

    def run(self, args: argparse.Namespace, talk: Talk, /) -> ExitCode:
        """Carry out the command."""


COMMANDS: tuple[Command, ...] = (list_, run, report, doctor, clean)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="harness", description="Load tests, profiles and verdicts that say when they cannot be trusted."
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
    args = make_parser().parse_args(arguments)
    talk = Talk(as_json=args.json)
    try:
        code: ExitCode = args.command.run(args, talk)
    except HarnessError as error:
        return _fail(talk, str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail(talk, "Interrupted; what was measured is kept.", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Who read our output has gone, as in `harness list | head -1`.
        sys.stderr.close()
        return ExitCode.OK
    return code


def _fail(talk: Talk, sentence: str, code: ExitCode) -> ExitCode:
    talk.say(f"harness: {sentence}")
    if talk.as_json:
        talk.document({"schema": 1, "error": sentence, "exit_code": int(code)})
    return code


def entry() -> None:
    """Run as the console script."""
    sys.exit(main())
