"""Control the measuring child from the supervisor: list a suite's benchmarks, and measure them."""

import contextlib
import dataclasses
import os
import select
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from subprocess import PIPE

import msgspec

from harness.clock import NS_PER_S, SystemClock
from harness.errors import HarnessError, InvalidRunError
from harness.micro import pytest_options
from harness.micro.document import End, Outcome
from harness.micro.places import holds_benchmark
from harness.micro.suite import VARIANT_VARIABLE, Suite
from harness.processes.host_watch import HostWatch
from harness.run.directory import hide_secrets
from harness.run.documents import HostFacts
from harness.supervise import Child, Supervisor, private_folder
from harness.supervise.ending import ending, how_it_ended, why_it_may_have

PROGRAM = Path(__file__).with_name("program.py")
_POLL_S = 0.2
_COLLECT_S = 120.0
# Time limit from the end of its output to its exit.
_END_S = 30.0
# pytest's exit codes: all passed, some failed, nothing collected.
_IN_GOOD_ORDER = {0, 1, 5}


class Collected(msgspec.Struct, frozen=True, tag="collected"):
    """The existing benchmarks, or those that will be measured."""

    names: list[str]


class Broken(msgspec.Struct, frozen=True, tag="broken"):
    """A file that cannot be imported."""

    name: str
    error: str


class Skipped(msgspec.Struct, frozen=True, tag="skipped"):
    """A file that skips itself."""

    name: str
    reason: str


class Began(msgspec.Struct, frozen=True, tag="began"):
    """A benchmark starts."""

    name: str


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """A benchmark has ended."""

    name: str
    outcome: Outcome
    error: str


Message = Collected | Broken | Skipped | Began | Ended


@dataclasses.dataclass(frozen=True, slots=True)
class Contents:
    """The names of a suite's benchmarks, and the reasons for unreadable files.

    `aside` are the files without a benchmark that are no error, with the reason.
    """

    names: tuple[str, ...]
    broken: Mapping[str, str]
    aside: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True)
class Measured:
    """The results of measuring; filled while the child works, so that an interruption keeps the partial results."""

    ends: dict[str, End] = dataclasses.field(default_factory=dict)
    trouble: str | None = None
    host: HostFacts = dataclasses.field(default_factory=HostFacts)
    seconds: float = 0.0

    def keep(self, ended: Ended) -> None:
        """Store the end of a benchmark."""
        self.ends[ended.name] = End(outcome=ended.outcome, error=ended.error)


def collect(supervisor: Supervisor, suite: Suite) -> Contents:
    """Return the benchmarks of a suite, by importing it in a child.

    Raises `UsageError` if there is no suite, `InvalidRunError` if the child dies or takes two minutes.
    """
    suite.check()
    names: list[str] = []
    broken: dict[str, str] = {}
    aside: dict[str, str] = {}
    with (
        private_folder() as folder,
        _start(supervisor, suite, folder, None, ["--collect-only", "-q"], log=folder / "log") as child,
    ):
        for message in _messages(child, _COLLECT_S):
            if isinstance(message, Collected):
                names = message.names
            elif isinstance(message, Skipped):
                aside[message.name] = f"skips itself: {message.reason}"
            elif isinstance(message, Broken) and holds_benchmark(suite.root / message.name):
                broken[message.name] = message.error
            elif isinstance(message, Broken):
                aside[message.name] = f"cannot be imported and names no benchmark: {message.error}"
        code = child.wait(_END_S)
        if not (names or broken or aside) and code not in _IN_GOOD_ORDER:
            raise InvalidRunError(
                f"The suite cannot be read: pytest {ending(code)}: {_complaint(child.log_tail(40))}",
                where=str(suite.root),
                remedy="Run it with pytest alone for details",
            )
    return Contents(tuple(names), broken, aside)


def measure(
    supervisor: Supervisor,
    suite: Suite,
    names: Sequence[str],
    variant: str,
    folder: Path,
    result: Measured,
    began: Callable[[str], None],
) -> None:
    """Measure the benchmarks `names` in a child, into `folder`; `result` is filled meanwhile.

    `began` is called with the name of each benchmark. The death of a child is a sentence in `result.trouble`.
    """
    start_ns = SystemClock.now_ns()
    with _start(
        supervisor, suite, folder, names, ["-q"], log=folder / "pytest.log", variant=variant
    ) as child:
        watch = HostWatch(child.pid, float("inf"))
        now = ""
        try:
            for message in _messages(child):
                if now:
                    watch.tick((SystemClock.now_ns() - start_ns) / NS_PER_S)
                if isinstance(message, Began):
                    now = message.name
                    began(now)
                elif isinstance(message, Ended):
                    result.keep(message)
            code = child.wait(_END_S)
        except KeyboardInterrupt:
            _keep_what_was_told(child, result)
            raise
        finally:
            result.host = watch.facts()
            result.seconds = (SystemClock.now_ns() - start_ns) / NS_PER_S
            hide_secrets(folder / "benchmarks.json")
        if code not in _IN_GOOD_ORDER:
            where = f", in {now}" if now and now not in result.ends else ""
            result.trouble = f"The measuring process {how_it_ended(code)} after {len(result.ends)} of {len(names)} benchmarks{where}{_why(code)}"


def _start(
    supervisor: Supervisor,
    suite: Suite,
    folder: Path,
    names: Sequence[str] | None,
    options: Sequence[str],
    *,
    log: Path,
    variant: str = "",
) -> Child:
    ini = folder / "pytest.ini"
    ini.write_text("[pytest]\n")
    told = suite.job(ini.resolve())
    job = {
        **told,
        "places": [str(place) for place in suite.paths(names)],
        "names": names,
        "json": str((folder / "benchmarks.json").resolve()),
        "path": [str(place) for place in suite.path],
        "overlay": str(suite.overlay) if suite.overlay else None,
        "options": [*told["options"], "-p", "benchmark", *options],
    }
    child = supervisor.start(
        "the measuring process",
        # -P: the folder of the program must not come first on the import path.
        [sys.executable, "-P", str(PROGRAM)],
        log=log,
        cwd=suite.project,
        env=_environment(variant),
        stdin=PIPE,
        stdout=PIPE,
    )
    assert child.stdin is not None  # noqa: S101 - it was asked for
    # A dead child is detected where its messages are read.
    with contextlib.suppress(BrokenPipeError), child.stdin as pipe:
        pipe.write(msgspec.json.encode(job))
    return child


def _environment(variant: str) -> dict[str, str]:
    """Return our environment without variables that would change pytest."""
    return pytest_options.environment(os.environ) | ({VARIANT_VARIABLE: variant} if variant else {})


def _messages(child: Child, limit_s: float = float("inf")) -> Iterator[Message | None]:
    """Yield the child's messages until it closes its output, and None whenever there is no message for a while."""
    assert child.stdout is not None  # noqa: S101 - it was asked for
    deadline_s, buffer = time.monotonic() + limit_s, b""
    while time.monotonic() < deadline_s:
        readable, _, _ = select.select([child.stdout], [], [], _POLL_S)
        if not readable:
            yield None
            continue
        chunk = os.read(child.stdout.fileno(), 65_536)
        if not chunk:
            return
        *lines, buffer = (buffer + chunk).split(b"\n")
        for line in lines:
            yield msgspec.json.decode(line, type=Message)
    raise HarnessError(
        f"{child.name} did not end within {limit_s:.0f} s",
        where=str(child.log),
        remedy="Check what the suite does when it is imported",
    )


def _keep_what_was_told(child: Child, result: Measured) -> None:
    """Store the ends that the child sent and nobody read: their times are written, so they were measured."""
    for message in _messages(child):
        if message is None:
            return
        if isinstance(message, Ended):
            result.keep(message)


def _why(code: int) -> str:
    why = why_it_may_have(code)
    return f" ({why})" if why else ""


def _complaint(log: str) -> str:
    """Return pytest's last error, or else its last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()] or ["no message"]
    told = [line.removeprefix("E ").strip() for line in lines if line.startswith("E ")]
    return (told or lines)[-1]
