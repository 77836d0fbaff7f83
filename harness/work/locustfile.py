"""Record the tests of somebody's locustfile, which needs no line of ours."""

# This imports Locust, which must come before anything that the file imports.
from harness.load.locust.program import EVENTS, MASTER, run  # isort: skip
import argparse
import os
import sys
import traceback
import urllib.parse
from pathlib import Path
from typing import Any

from harness.errors import ExitCode, HarnessError, UsageError
from harness.judge import policy_file
from harness.load.locust.log import LOG
from harness.load.locust.mounting import application_of, mount
from harness.load.locust.part import Present, Runs
from harness.load.locust.run import LocustProcess
from harness.load.locust.steps import Carried
from harness.model import Scenario
from harness.policy.thresholds import Thresholds
from harness.processes.loadrun import LoadPlan
from harness.processes.worker_reports import Head
from harness.reading.limits import check_limit
from harness.redaction.redact import learn
from harness.redaction.visible import shown_lines
from harness.run.documents import RunDocument
from harness.storage.stamps import started_now
from harness.work.command_line import command_line
from harness.work.locust_runs import finish, plan_of

_LIMIT = (
    "a limit of the harness's run, such as 'p99<25ms,errors<0.1%%', 'OPERATION: p99<25ms' or 'rss<+5MB/h,fds<+0'; "
    "may be given several times"
)
_NO_REPORT = "store the harness's runs without HTML, which is quicker; 'harness report' can make it later"
_APP = "wsgi:module:app or asgi:module:app: call this application in Locust's process for requests to the host, without a socket"
_APP_HOST = "http://127.0.0.1"
_ATTACHED: list[str] = []
"""The program that was started: empty until this process records."""


def attach(present: Present, program: str = "locust") -> None:
    """Record every test of this process, whatever file it runs; a second call changes only the program's name."""
    if not _ATTACHED:
        learn(*sys.argv)
        EVENTS.init_command_line_parser.add_listener(_add_options)
        EVENTS.init.add_listener(lambda **words: _join(present, **words))
    _ATTACHED[:] = [program]


def main(words: list[str], present: Present) -> None:
    """Run Locust with these words, recorded. It ends the process."""
    attach(present, "harness locust")
    try:
        run(words)
    except Exception as error:
        if not _is_of_import(error):
            raise
        sys.stderr.write(shown_lines(f"harness: {_not_imported(error)}\n"))
        sys.exit(int(ExitCode.USAGE))


def _is_of_import(error: BaseException) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return any(frame.name == "load_locustfile" for frame in frames)


def _not_imported(error: BaseException) -> UsageError:
    """Return why the locustfile could not be imported: the last place in a file that is not Python's or Locust's."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame for frame in frames if "site-packages" not in frame.filename and not _is_pythons(frame.filename)
    ]
    line, file = (error.lineno, error.filename) if isinstance(error, SyntaxError) else (None, None)
    if own and own[-1].filename and file is None:
        file, line = own[-1].filename, own[-1].lineno
    return UsageError(
        f"The locustfile cannot be imported: {type(error).__name__}: {error}",
        where=f"{file}:{line}" if file else "",
        remedy="Mend it, or install what it needs into the environment of the harness",
    )


def _is_pythons(file: str) -> bool:
    return file.startswith((sys.prefix, sys.base_prefix, "<")) or f"{os.sep}harness{os.sep}" in file


def _add_options(parser: Any) -> None:
    group = parser.add_argument_group("Harness options")
    group.add_argument(
        "--slo", type=_slo, action="append", default=[], metavar="EXPR", env_var="LOCUST_SLO", help=_LIMIT
    )
    group.add_argument("--app", metavar="SPEC", default="", env_var="LOCUST_APP", help=_APP)
    group.add_argument("--no-report", action="store_true", env_var="LOCUST_NO_REPORT", help=_NO_REPORT)


def _slo(text: str) -> str:
    try:
        check_limit(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _join(present: Present, environment: Any, runner: Any, web_ui: Any = None, **_: Any) -> None:
    try:
        app = getattr(environment.parsed_options, "app", "")
        file = Path(environment.locustfile or "locustfile.py")
        runs = _Runs(file, policy_file.thresholds(Path.cwd()), is_in_process=bool(app))
        if not isinstance(runner, MASTER):
            _mount(app, environment)
    except HarnessError as error:
        LOG.error("harness: %s", error)
        sys.exit(int(error.exit_code))
    LocustProcess(runs.described(), present).join(environment, runner, web_ui)


def _mount(spec: str, environment: Any) -> None:
    """Mount the application that `--app` names. Raises `UsageError` for one that cannot be used."""
    if not spec:
        return
    mount(application_of(spec))
    if not environment.host and not all(user.host for user in environment.user_classes):
        environment.host = _APP_HOST


class _Runs:
    """The runs of one locustfile."""

    def __init__(self, file: Path, thresholds: Thresholds | None, *, is_in_process: bool) -> None:
        self._is_in_process = is_in_process
        self._file = file
        self._thresholds = thresholds
        self._scenario = Scenario(file.stem, "the users of a locustfile")

    def described(self) -> Runs:
        """Return the runs' description for the Locust process."""
        return Runs(
            called=None,
            name=self._scenario.name,
            variant="",
            backends="none",
            out=Path(os.environ.get("HARNESS_OUT") or "runs"),
            plan=self._plan,
            document=self._document,
            finished=finish,
            file=self._file.name,
            is_in_process=self._is_in_process,
        )

    def _plan(self, carried: Carried) -> LoadPlan:
        return plan_of(self._scenario, carried, seed=0)

    def _document(self, plan: LoadPlan, head: Head, environment: Any) -> RunDocument:
        options = environment.parsed_options
        return RunDocument(
            scenario=self._scenario.name,
            target=target_of(environment),
            variant="",
            seed=plan.seed,
            started_at=started_now(),
            command=command_line(_ATTACHED[0] if _ATTACHED else "locust"),
            plan=plan.facts(head.operations),
            thresholds=self._thresholds,
            slos=list(getattr(options, "slo", None) or []),
            environment=head.environment,
        )


def target_of(environment: Any) -> str:
    """Return what the users call: the host of the test, without a password, or the hosts of their classes."""
    if app := getattr(environment.parsed_options, "app", ""):
        return str(app)
    hosts = [environment.host] if environment.host else [user.host for user in environment.user_classes]
    known = dict.fromkeys(_without_password(str(host)) for host in hosts if host)
    return ", ".join(known) or f"users {', '.join(user.__name__ for user in environment.user_classes)}"


def _without_password(host: str) -> str:
    try:
        parts = urllib.parse.urlsplit(host)
    except ValueError:
        return host
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
