"""A run on a terminal while it is measured: what is drawn, in how many columns, and what is left behind."""

import contextlib
import dataclasses
import fcntl
import io
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import tty
from pathlib import Path

import pytest
from rich.console import Console
from rich.live import Live

from harness.console.console import Talk
from harness.console.watching import WIDTH, drawn, watched
from harness.model import Executor, Scenario, Stage
from harness.processes.loadrun import LoadPlan
from harness.reading.live import Figures, Glance
from harness.table.histogram import Histogram
from tests.support.cli import COMMAND
from tests.support.processes import descendants, survivors
from tests.support.tolerant import tolerant

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r")
PLAN = LoadPlan(
    scenario=Scenario("spike", "", stages=(Stage("before", 0.5), Stage("spike", 0.5, 5.0, 5.0))),
    rate_per_s=200.0, users=8, duration_s=20.0, warmup_s=2.0, seed=1,
)  # fmt: skip


def figures(*response_ms, planned_per_s=1000.0, completed_per_s=998.0, span_s=4.75):
    return Figures(
        span_s, planned_per_s, completed_per_s, Histogram.of([round(ms * 1e6) for ms in response_ms])
    )


GLANCE = Glance(
    elapsed_s=15.0,
    stage="spike",
    recent=figures(*[1.0] * 90, *[20.0] * 10),
    so_far=figures(*[2.0] * 940, *[30.0] * 60, planned_per_s=600.0, completed_per_s=599.0),
    outcomes={"completed": 12_345, "failed": 6, "timed_out": 7, "dropped": 8},
    in_flight=9,
    waiting=1_011,
    oldest_s=0.25,
)


def lines_of(glance=GLANCE, plan=PLAN, width=80):
    stream = io.StringIO()
    Console(file=stream, width=width).print(drawn(glance, plan))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def cells_of(lines, beginning):
    """Return the cells of the only line that begins so."""
    (line,) = [line for line in lines if line.startswith(beginning)]
    return re.split(r"\s{2,}", line.removeprefix(beginning).strip())


def test_rates_percentiles_outcomes_stage_and_the_time_left_are_drawn_in_80_columns():
    lines = lines_of()
    assert max(map(len, lines)) <= WIDTH == 80
    assert lines[0].startswith("spike (stage 2 of 2)")
    assert lines[0].endswith("5s left")
    assert lines[2].split() == ["planned", "completed", "p50", "p95", "p99", "max"]
    assert cells_of(lines, "last 5 s") == ["1,000/s", "998/s", "1 ms", "–", "–", "20 ms"]
    assert cells_of(lines, "so far") == ["600/s", "599/s", "2 ms", "29.9 ms", "29.9 ms", "30 ms"]
    assert cells_of(lines, "ended") == ["12,345 completed, 6 failed, 7 timed out, 8 dropped"]
    assert cells_of(lines, "now") == ["9 in flight, 1,011 due and not started; the oldest for 250 ms"]


def test_the_bar_is_as_long_as_the_time_that_passed_warm_up_included():
    stream = io.StringIO()
    console = Console(file=stream, width=80, force_terminal=True, color_system="standard")
    console.print(drawn(GLANCE, PLAN))
    full, rest = re.findall("━+", stream.getvalue())
    assert (len(full), len(rest)) == (round(80 * 17 / 22), 80 - round(80 * 17 / 22))


def test_what_is_not_known_is_a_dash_and_no_number():
    few = dataclasses.replace(
        GLANCE, recent=figures(1.0, 2.0, planned_per_s=None, completed_per_s=None, span_s=0.3)
    )
    assert cells_of(lines_of(few), "last 1 s") == ["–", "–", "1 ms", "–", "–", "2 ms"]


def test_warm_up_users_workers_and_the_end_are_told():
    closed = dataclasses.replace(PLAN, scenario=Scenario("closed", "", executor=Executor.CLOSED), workers=3)
    warm = dataclasses.replace(GLANCE, elapsed_s=-1.5, stage="warm-up", oldest_s=None, waiting=0)
    lines = lines_of(warm, closed)
    assert re.split(r"\s{2,}", lines[0]) == ["warm-up · not counted · 8 users · 3 workers", "22s left"]
    assert cells_of(lines, "now") == ["9 in flight"]
    assert lines_of(dataclasses.replace(GLANCE, elapsed_s=20.5, stage="waiting"))[0] == "waiting"


@pytest.mark.parametrize("width", [79, 40, 10, 1])
def test_a_narrow_terminal_and_long_words_break_no_line(width):
    long = dataclasses.replace(GLANCE, stage="a stage with a name as long as that of a river in Wales " * 3)
    assert max(map(len, lines_of(long))) <= 80
    screen = Screen()
    console = Console(file=screen, width=width, force_terminal=True, legacy_windows=False)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        for _ in range(3):
            live.update(drawn(long, PLAN), refresh=True)
            assert max(map(len, screen.lines)) <= width
            assert len(screen.lines) <= 8
    assert "".join(screen.lines).strip() == ""


class Screen(io.StringIO):
    """What a terminal shows of what is written to it, as far as these commands use one."""

    def __init__(self):
        super().__init__()
        self.lines, self._row = [""], 0

    def write(self, text):
        for part in re.findall(r"\x1b\[[0-9;?]*[a-zA-Z]|\r|\n|[^\x1b\r\n]+", text):
            if part == "\n":
                self._row += 1
                self.lines += [""] * (self._row + 1 - len(self.lines))
            elif part.endswith("A"):
                self._row = max(self._row - int(part[2:-1] or 1), 0)
            elif part == "\x1b[2K":
                self.lines[self._row] = ""
            elif part[0] not in "\x1b\r":
                self.lines[self._row] += part
        return len(text)

    def isatty(self):
        return True


def shown(options, *, as_json=False):
    """Return what `watched` writes of a run that never makes a table."""
    stream, talk = io.StringIO(), Talk(as_json=as_json)
    talk.console = Console(file=stream, width=80, soft_wrap=True, **options)
    with watched(talk, "Timing it", PLAN, Path("nowhere")) as tick:
        tick(1.0)
    return stream.getvalue()


def test_without_a_terminal_and_for_json_it_is_as_it_was():
    assert shown({}) == "Timing it …\n"
    assert "in flight" in shown({"force_terminal": True})
    assert "in flight" not in shown({"force_terminal": True}, as_json=True)


def test_what_cannot_be_read_ends_no_run(tmp_path):
    (tmp_path / "calls.npy").mkdir()
    stream, talk = io.StringIO(), Talk()
    talk.console = Console(file=stream, width=80, force_terminal=True)
    with watched(talk, "Timing it", PLAN, tmp_path) as tick:
        tick(1.0)
    assert stream.getvalue().startswith("Timing it …")


def on_terminal(folder, *arguments, interrupt_at=None):
    """Run a command on a terminal of 80 columns: its exit code and all that was written there.

    It gets Ctrl-C as soon as `interrupt_at` can be read there.
    """
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments), "--out", str(folder)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs, env={**os.environ, "TERM": "xterm"},
        cwd=tolerant(folder),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )  # fmt: skip
    os.close(theirs)
    written = bytearray()
    try:
        with contextlib.suppress(OSError):
            while chunk := os.read(ours, 65_536):
                written += chunk
                if interrupt_at and interrupt_at in written:
                    process.send_signal(signal.SIGINT)
                    interrupt_at = None
        return process.wait(60), written.decode()
    finally:
        below = descendants(process.pid)
        process.kill()
        process.wait()
        os.close(ours)
        assert not survivors(below)


def left_on_screen(written):
    screen = Screen()
    screen.write(written)
    return "\n".join(screen.lines)


def test_a_run_of_two_workers_shows_rate_percentiles_outcomes_and_stages_and_leaves_nothing(tmp_path):
    code, written = on_terminal(
        tmp_path, "run", "spike", "--target", "known:failing?every=4", "--rate", 200, "--duration", "3s",
        "--warmup", "500ms", "--workers", 2, "--no-report",
    )  # fmt: skip
    assert code == 0
    lines = ESCAPES.sub("", written.replace("\x1b[2K", "\n")).splitlines()
    assert max(len(line) for line in lines if not line.startswith("Report")) <= 80
    assert {"about", "warm-up", "before", "spike", "after"} >= {
        line.split()[0] for line in lines if line.endswith("left")
    }
    assert any(
        line.startswith(("before (stage 1 of 3) · 2 workers", "spike (stage 2 of 3) · 2")) for line in lines
    )
    so_far = [re.findall(r"[\d.,]+(?:/s| [mµn]?s)|–", line) for line in lines if line.startswith("so far")]
    assert any(len(cells) == 6 and "–" not in cells for cells in so_far)
    assert any(re.match(r"ended +[\d,]*[1-9] completed, [\d,]*[1-9] failed", line) for line in lines)
    assert written.count(HIDE) == written.count(SHOW) == 1
    assert "in flight" not in left_on_screen(written)


def test_ctrl_c_in_the_middle_leaves_a_clean_terminal(tmp_path):
    code, written = on_terminal(
        tmp_path, "run", "steady", "--target", "known:constant", "--rate", 100, "--duration", "60s", "--warmup", "0s",
        "--no-report", interrupt_at=b"in flight",
    )  # fmt: skip
    assert code == 130
    assert written.count(HIDE) == written.count(SHOW) == 1
    screen = left_on_screen(written)
    assert "Timing known:constant …" in screen
    assert "in flight" not in screen
    assert "Traceback" not in screen
