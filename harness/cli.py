"""The command line: the literal list of commands, and the one place where errors are reported."""

import argparse
import dataclasses
import importlib
import os
import sys
import types
from collections.abc import Sequence
from typing import NoReturn, Protocol

import harness
from harness.console.console import Talk
from harness.errors import ExitCode, HarnessError, StoppedError, UsageError, worst
from harness.redaction.redact import learn
from harness.supervise import sweep


class Command(Protocol):
    """A command: its name, its summary, its options and its work."""

    @property
    def name(self) -> str:
        """Return the word that selects the command."""

    @property
    def summary(self) -> str:
        """Return what the command does, in a few words."""

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Declare the options."""

    def run(self, args: argparse.Namespace, talk: Talk, /) -> ExitCode:
        """Execute the command."""


@dataclasses.dataclass(frozen=True, slots=True)
class InModule:
    """A command of `harness.commands`, imported on demand, so that no command loads another one's dependencies."""

    name: str
    summary: str
    module: str

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Declare the options."""
        self._module().add_arguments(parser)

    def run(self, args: argparse.Namespace, talk: Talk, /) -> ExitCode:
        """Execute the command."""
        code: ExitCode = self._module().run(args, talk)
        return code

    def _module(self) -> types.ModuleType:
        return importlib.import_module(f"harness.commands.{self.module}")


class PassedOn(InModule):
    """A command that passes all words after its name on to another program, `--help` and `--json` too."""


COMMANDS: tuple[Command, ...] = (
    InModule("init", "write the settings and requests to start from", "init"),
    InModule("list", "show scenarios, targets, variants and micro-benchmarks", "list_"),
    InModule("run", "run a load scenario against a target and report", "run"),
    PassedOn("locust", "run a locustfile under Locust and record every request", "locust"),
    InModule("profile", "show where time and memory go, and which functions changed", "profile"),
    InModule("capacity", "find the highest rate that keeps an SLO, as an interval", "capacity"),
    InModule("bench", "run the micro-benchmark suite under pytest-benchmark", "bench"),
    InModule("compare", "measure two versions side by side and reach a verdict", "compare"),
    InModule("gate", "check whether this checkout is slower than its base, for CI", "gate"),
    InModule("judge", "judge a stored comparison again, without measuring", "judge"),
    InModule("history", "keep the gate's effects, and show each benchmark over time", "history"),
    InModule("bisect", "find the commit that changed a benchmark", "bisect"),
    InModule("ablate", "measure what each optimisation of a target is worth", "ablate"),
    InModule("calibrate", "measure the error rates of the gate on this machine", "calibrate"),
    InModule("report", "make the report of stored runs, alone or side by side", "report"),
    InModule("index", "make one page over the runs and sessions of a folder", "index"),
    InModule("export", "write stored runs, and figures of the gate, for other tools", "export"),
    InModule("import", "show results of other tools, alone or side by side", "import_"),
    InModule("doctor", "check what this machine can measure", "doctor"),
    InModule("clean", "remove old run directories", "clean"),
)


class _Parser(argparse.ArgumentParser):
    """Report unreadable words as an error of the harness."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message[:1].upper() + message[1:], remedy=f"See '{self.prog} --help'")


class _Aligned(argparse.HelpFormatter):
    """Align the help with the longest command: argparse ignores the extra indentation of commands."""

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        self._action_max_length = max(self._action_max_length, 4 + max(len(one.name) for one in COMMANDS))


def make_parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return a parser for these words, with the options of the named command; raises `UsageError` for unknown words."""
    parser = _Parser(
        prog="harness",
        description="Load tests, profiles and comparisons, each with a check whether its numbers can be trusted.",
        formatter_class=_Aligned,
    )
    parser.add_argument("--version", action="version", version=f"harness {harness.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(
            command.name, help=command.summary, description=command.summary, allow_abbrev=False
        )
        if command.name in words:
            command.add_arguments(sub)
        sub.add_argument("--json", action="store_true", help="one JSON document on stdout, text on stderr")
        sub.set_defaults(command=command)
    return parser


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Execute one command and return its exit code; every known error is reported here as one sentence."""
    words = sys.argv[1:] if arguments is None else arguments
    # Needed before parsing: a parse error is reported as JSON too.
    talk = Talk(as_json="--json" in words)
    # Leftovers of a killed command: folders with passwords and with copies of code.
    sweep()
    learn(*words)
    try:
        code = _carry_out(words, talk)
    except SystemExit:
        # argparse has printed the help.
        talk.lost()
        raise
    if lost := talk.lost():
        talk.say(
            f"harness: The output cannot be printed: {lost}. All files are written; redirect the output to another place to read it"
        )
        return worst([code, ExitCode.FAILED])
    return code


def _carry_out(words: Sequence[str], talk: Talk) -> ExitCode:
    if not words:
        # Like argparse for a missing command, but with the whole help instead of the usage line.
        talk.people.write(make_parser(words).format_help())
        return ExitCode.USAGE
    try:
        args = _parse(words)
        talk.is_verbose = getattr(args, "verbose", False)
        code: ExitCode = args.command.run(args, talk)
    except HarnessError as error:
        return _fail(talk, error)
    except KeyboardInterrupt:
        return _fail(talk, StoppedError("Interrupted; what was measured is kept."))
    except OSError as error:
        failure = HarnessError(
            f"A file cannot be used: {error.strerror or error}",
            where=str(error.filename or ""),
            remedy="Free some disk space or name another place",
        )
        return _fail(talk, failure)
    return code


def _parse(words: Sequence[str]) -> argparse.Namespace:
    for command in COMMANDS:
        if isinstance(command, PassedOn) and command.name == words[0]:
            return argparse.Namespace(command=command, words=list(words[1:]))
    args, rest = make_parser(words).parse_known_args(words)
    if hasattr(args, "select") and not any(word.startswith("-") for word in rest):
        # argparse takes positional arguments of any number from one place only; users add words at the end.
        args.select, rest = [*args.select, *rest], []
    if rest:
        raise UsageError(
            f"Unknown for '{args.command.name}': {' '.join(rest)}",
            remedy=f"See 'harness {args.command.name} --help'",
        )
    return args


def _fail(talk: Talk, error: HarnessError) -> ExitCode:
    talk.say(f"harness: {error}")
    if talk.as_json:
        talk.document({"schema": 1, "error": error.as_json()})
    return error.exit_code


def entry() -> None:
    """Run as the console script."""
    _keep_standard_streams()
    sys.exit(main())


def _keep_standard_streams() -> None:
    """Open the null device for each closed standard stream: otherwise the next file would get its number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
