"""No reader, no encoding and no full disk ends the work that a text is about, or changes what it found."""

import io
import json
import os
import subprocess
import sys

import pytest

from harness.cli import main
from harness.console.console import Talk
from harness.console.outlet import Outlet
from harness.errors import ExitCode
from tests.support.run_builder import make_run

WORDS = "p50 12 µs → 3 × faster … 調査"


def plain(encoding):
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")


@pytest.mark.parametrize(
    ("encoding", "read"),
    [
        ("utf-8", WORDS),
        ("ascii", "p50 12 us -> 3 x faster ... ??"),
        ("latin-1", "p50 12 µs -> 3 × faster ... ??"),
        ("cp1252", "p50 12 µs -> 3 × faster … ??"),
    ],
)
def test_what_an_encoding_lacks_is_replaced(encoding, read):
    stream = plain(encoding)
    outlet = Outlet(lambda: stream)
    outlet.write(WORDS)
    outlet.flush()
    assert stream.buffer.getvalue().decode(encoding) == read
    assert outlet.trouble is None


def test_half_of_a_pair_of_surrogates_is_replaced_too():
    stream = plain("utf-8")
    outlet = Outlet(lambda: stream)
    outlet.write("file\udcff")
    outlet.flush()
    assert stream.buffer.getvalue() == b"file?"


class Broken(io.StringIO):
    """A stream that takes nothing."""

    def __init__(self, error):
        super().__init__()
        self.error = error
        self.asked = 0

    def write(self, _text):
        self.asked += 1
        raise self.error


def test_a_stream_that_failed_is_not_asked_again_and_the_reason_is_kept():
    stream = Broken(OSError(28, "No space left on device"))
    outlet = Outlet(lambda: stream)
    for _ in range(3):
        assert outlet.write("text") == 4
    outlet.flush()
    assert stream.asked == 1
    assert outlet.trouble == "No space left on device"


def test_a_reader_that_went_away_is_no_trouble():
    stream = Broken(BrokenPipeError(32, "Broken pipe"))
    outlet = Outlet(lambda: stream)
    outlet.write("text")
    assert outlet.trouble is None


def test_a_stream_that_was_closed_by_the_caller_takes_every_text(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["list"]) is ExitCode.OK
    assert main(["list", "--json"]) is ExitCode.OK
    assert capsys.readouterr().err == ""


@pytest.fixture
def no_page(monkeypatch):
    """The page itself is nothing here, and takes longer than all else."""
    monkeypatch.setattr("reports.run.html.render", lambda _view: "a page")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("made"), duration_s=2.0, rate_per_s=50.0, scenario="ünï→")


@pytest.mark.usefixtures("no_page")
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("words", [[], ["--json"]], ids=" ".join)
def test_a_report_is_printed_in_whatever_encoding_there_is(run, monkeypatch, encoding, words):
    stream = plain(encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    (run / "report.html").unlink(missing_ok=True)
    assert main(["report", str(run), *words]) in {ExitCode.OK, ExitCode.INVALID}
    printed = stream.buffer.getvalue().decode(encoding)
    assert (run / "report.html").exists()
    if words:
        assert json.loads(printed)["runs"][0]["scenario"] == "ünï→"
    else:
        assert "->" in printed


@pytest.mark.usefixtures("no_page")
@pytest.mark.parametrize("words", [[], ["--json"]], ids=" ".join)
def test_a_full_disk_behind_stdout_is_one_sentence_and_the_report_is_written(run, monkeypatch, capsys, words):
    (run / "report.html").unlink(missing_ok=True)
    with open("/dev/full", "w") as full, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", full)
        assert main(["report", str(run), *words]) is ExitCode.FAILED
    assert (run / "report.html").exists()
    err = capsys.readouterr().err
    assert "The output cannot be printed: No space left on device" in err


@pytest.mark.usefixtures("no_page")
def test_a_full_disk_behind_stderr_is_no_reason_to_stop(run, monkeypatch, capsys):
    with open("/dev/full", "w") as full, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", full)
        assert main(["report", str(run), "--json"]) is ExitCode.OK
    assert json.loads(capsys.readouterr().out)["runs"]


@pytest.mark.usefixtures("no_page")
def test_a_report_that_cannot_be_written_is_printed_all_the_same(run, capsys):
    assert main(["report", str(run), "-o", f"{run}/run.json/report.html"]) is ExitCode.FAILED
    out, err = capsys.readouterr()
    assert "Response p50" in out
    assert "A file cannot be written" in err
    assert "Report:" not in err


@pytest.mark.parametrize("redirection", [">/dev/full", ">&- 2>&-", "| true"])
def test_no_redirection_of_a_shell_leads_to_a_traceback(redirection, tmp_path):
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m harness list {redirection}', sys.executable],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode == (1 if "full" in redirection else 0)


def test_a_sentence_holds_nothing_that_steers_a_terminal_or_a_job(capsys):
    Talk().say("harness: [red]it[/] said :smile:\n\x1b[31m\x9b2J\u202e\a\r\n::error::x\n  ##[group]y\tz")
    assert capsys.readouterr().err == (
        "harness: [red]it[/] said :smile:\n\\u001b[31m\\u009b2J\\u202e\\u0007\n"
        "\\u003a:error::x\n  #\\u0023[group]y    z\n"
    )


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_a_bar_on_a_terminal_prints_what_is_said_meanwhile_once(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    talk = Talk()
    with talk.progress("[b]Timing\x1b[2J", 1.0) as tick:
        tick(0.5)
        talk.say("meanwhile")
        sys.stderr.write("of another\n")
        talk.document({"schema": 1})
    shown = stream.getvalue()
    assert "[b]Timing\\u001b[2J" in shown
    assert shown.count("meanwhile") == shown.count("of another") == 1


def test_a_document_is_the_same_and_cannot_steer_a_terminal(capsys):
    document = {"text": "\x1b[31m\x9b2J\u202e ::error::x \ud800 µ"}
    Talk(as_json=True).document(document)
    out = capsys.readouterr().out
    assert json.loads(out) == document
    assert not set(out.rstrip("\n")) & set("\x1b\x9b\u202e")
    assert "µ" in out
