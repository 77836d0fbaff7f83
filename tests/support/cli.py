"""Runs the command line as a user would, as a process of its own, and reads what it said and left behind.

Where no process is at stake, `inside` runs it in this one: that saves the start of an interpreter, and all its imports.
"""

import contextlib
import dataclasses
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.cli import main
from harness.errors import HarnessError, InvalidRunError
from harness.model import Outcome
from harness.table import calls
from reports.charts import figures
from tests.support.processes import command_line, descendants, survivors
from tests.support.schemas import check

COMMAND = (sys.executable, "-m", "harness")
JOURNAL_RECORD = np.dtype([("call", "<i8"), ("start_ns", "<i8"), ("end_ns", "<i8"), ("failed", "<i8")])
RETURNED = [outcome for outcome in Outcome if outcome.returned]
_PATIENCE_S = 120.0


@dataclasses.dataclass(frozen=True)
class Said:
    """What a finished command said."""

    code: int
    stdout: str
    stderr: str
    command: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document of `--json`: more than one, another shape, or anything else on stdout, is an error."""
        found = json.loads(self.stdout, parse_constant=_no_constant)
        assert self.stdout.count("\n") == 1
        check(found, self.command)
        return found

    @property
    def run(self) -> dict[str, Any]:
        """The only run of the document."""
        (run,) = self.document["runs"]
        return run

    @property
    def error(self) -> str:
        """The sentence that ends stderr."""
        lines = [line for line in self.stderr.splitlines() if line.startswith("harness: ")]
        assert len(lines) == 1, self.stderr
        return lines[0].removeprefix("harness: ")


def sentence_of(document: dict[str, Any]) -> str:
    """Return the error of a document as the sentence that stderr has."""
    error = document["error"]
    assert [*error] == ["what", "where", "remedy", "exit_code"]
    return str(HarnessError(error["what"], where=error["where"], remedy=error["remedy"]))


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def harness(
    *arguments: object, cwd: Path | None = None, prefix: tuple[str, ...] = (), patience_s: float = _PATIENCE_S
) -> Said:
    """Run one command to its end; there is never a traceback, whatever happens."""
    with started(*arguments, cwd=cwd, prefix=prefix) as process:
        return dataclasses.replace(end_of(process, patience_s), command=str(next(iter(arguments), "")))


def without_drawings(patch: pytest.MonkeyPatch) -> None:
    """Leave out the drawings of pages, which take nine tenths of the time of a page, and as long as a short run."""
    patch.setattr(figures, "draw", lambda _chart: figures.Drawing("<svg></svg>", []))


def inside(folder: Path | None, *arguments: object, **environment: str) -> Said:
    """Run one command in this process: for what is not about a process, at a tenth of the price of `harness`.

    Its pages lack their drawings; `harness` draws.

    It runs as in `folder`, and what it leaves in the temporary folder is beside that, in `tmp`; with None it runs
    where the tests run. `environment` is set for it alone.
    """
    words, given = [*map(str, arguments)], {"COLUMNS": "400", **environment}
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", ["harness", *words])
        patch.setattr(tempfile, "tempdir", None)
        without_drawings(patch)
        if folder is not None:
            patch.chdir(folder)
            temporary = folder.parent / "tmp"
            temporary.mkdir(exist_ok=True)
            given = {"TMPDIR": str(temporary), **given}
        for name, value in given.items():
            patch.setenv(name, value)
        code = int(main(words))
    return Said(code, *(stream.buffer.getvalue().decode() for stream in (out, err)), *words[:1])


@contextlib.contextmanager
def started(
    *arguments: object, cwd: Path | None = None, prefix: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[str]]:
    """Start a command; nothing of it is left at the end of the block."""
    process = subprocess.Popen(
        [*prefix, *COMMAND, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "400"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As from a shell: Ctrl-C must work although this test may run in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    below: set[int] = set()
    try:
        yield process
    finally:
        below |= descendants(process.pid)
        if process.poll() is None:
            process.kill()
        process.communicate()
        assert not survivors(below)


def end_of(process: subprocess.Popen[str], patience_s: float = _PATIENCE_S) -> Said:
    """Wait for the end of a command."""
    stdout, stderr = process.communicate(timeout=patience_s)
    assert "Traceback" not in f"{stderr}{stdout}", stderr
    return Said(process.returncode, stdout or "", stderr)


def until(condition: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
    """Return what `condition` gives as soon as it gives anything, while the command runs."""
    deadline_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline_s and process.poll() is None:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"it never came; exit code {process.poll()}")


def until_called(
    out: Path, process: subprocess.Popen[str], count: int = 100, tables: str = "*/timing/calls.npy"
) -> Path:
    """Return the run directory as soon as `count` calls of the measured time have completed, by the table of the run or a part."""

    def looked() -> Path | None:
        for path in out.glob(tables):
            with contextlib.suppress(InvalidRunError):
                rows = calls.load(path)
                if int((rows["outcome"][rows["intended_ns"] >= 0] == Outcome.COMPLETED).sum()) >= count:
                    return out / path.relative_to(out).parts[0]
        return None

    return until(looked, process)


def measured_child(process: subprocess.Popen[str]) -> int:
    """Return the process that makes the calls."""
    (pid,) = [pid for pid in descendants(process.pid) if b"harness.processes.worker" in command_line(pid)]
    return pid


def table(directory: str | Path) -> calls.Table:
    """Return all rows of a run, those of warm-up included."""
    return calls.load(Path(directory) / "timing" / "calls.npy")


def measured(directory: str | Path) -> calls.Table:
    """Return the rows of the measured time."""
    rows = table(directory)
    return rows[rows["intended_ns"] >= 0]


def returned(rows: calls.Table) -> calls.Table:
    """Return the rows of calls that came back."""
    return rows[np.isin(rows["outcome"], RETURNED)]


def facts(directory: str | Path) -> dict[str, Any]:
    """Return what the measured process said of itself."""
    return json.loads((Path(directory) / "timing" / "facts.json").read_text())


def document(directory: str | Path) -> dict[str, Any]:
    """Return run.json."""
    return json.loads((Path(directory) / "run.json").read_text())


def journal(path: Path) -> np.ndarray:
    """Return what the target wrote down, in the order in which its calls began."""
    records = np.fromfile(path, JOURNAL_RECORD)
    records = records[records["call"] > 0]
    return records[np.argsort(records["call"])]
