"""`--no-report`: everything is stored and told as ever, no page is made, and nothing waits for the library that draws."""

import json
import subprocess
import sys

import pytest

from harness import cli
from harness.errors import ExitCode
from harness.run.directory import RunDirectory
from harness.session.receipt_file import NAME, write_receipt
from tests.support.capacity_builder import document, probe
from tests.support.judge import receipt
from tests.support.micro_builder import entry, make_micro_run
from tests.support.profile_builder import CALM, Made, store
from tests.support.run_builder import make_run

pytestmark = pytest.mark.usefixtures("no_figures")

WITHOUT_DRAWING = """
import sys
from harness.cli import main
code = main(sys.argv[1:])
drawing = {name.partition(".")[0] for name in sys.modules} & {"matplotlib", "PIL"}
sys.exit(f"imported: {drawing}" if drawing else code)
"""


def capacity_folder(parent):
    directory = RunDirectory(parent / "capacity")
    directory.path.mkdir()
    directory.write(
        document([probe(100, "held"), probe(200, "broke"), probe(100, "held"), probe(200, "broke")])
    )
    return directory.path


def session_folder(parent):
    write_receipt(parent / NAME, receipt())
    return parent / NAME


MADE_LATER = {
    "load": ("report", make_run),
    "micro": ("report", lambda parent: make_micro_run(parent, entry("bench"))),
    "profile": ("report", lambda parent: store(parent, Made("alone", CALM)).path),
    "capacity": ("report", capacity_folder),
    "session": ("judge", session_folder),
}


@pytest.fixture(params=MADE_LATER, ids=str)
def stored(request, tmp_path, monkeypatch):
    """The command that tells of a stored folder, and where it is."""
    monkeypatch.chdir(tmp_path)
    command, make = MADE_LATER[request.param]
    return command, make(tmp_path)


def pages(folder):
    return [path.name for path in folder.rglob("*.html")]


def test_the_document_has_no_page_and_the_last_line_names_the_command_that_makes_one(
    tmp_path, stored, capsys
):
    command, place = stored
    code = cli.main([command, str(place), "--no-report", "--json"])
    without = capsys.readouterr()
    assert pages(tmp_path) == []
    last = without.err.splitlines()[-1]
    assert last == f"Report: not made (--no-report). Make it with: harness {command} {place}"
    assert cli.main([*last.partition(": harness ")[2].split(), "--json"]) is code
    with_page = capsys.readouterr()
    assert pages(tmp_path) == ["report.html"]
    assert "not made" not in with_page.err
    told, told_later = json.loads(without.out), json.loads(with_page.out)
    assert (told.pop("report"), told_later.pop("report")) == (None, str(next(tmp_path.rglob("*.html"))))
    assert told == told_later


def test_a_session_without_a_page_keeps_its_other_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cli.main(["judge", str(session_folder(tmp_path)), "--no-report"])
    assert {path.name for path in tmp_path.iterdir()} == {NAME, "comment.md", "junit.xml", "metrics.txt"}
    assert "No report was made" in (tmp_path / "comment.md").read_text()


@pytest.mark.parametrize("option", ["-o", "--figures"])
def test_what_needs_the_drawings_is_refused_beside_it(tmp_path, capsys, option):
    words = ["report", str(make_run(tmp_path)), "--no-report", option, str(tmp_path / "place")]
    assert cli.main(words) is ExitCode.USAGE
    assert f"{option} and --no-report contradict each other" in capsys.readouterr().err
    assert not (tmp_path / "place").exists()


def test_every_command_that_makes_a_page_has_the_option(capsys):
    for command in ("run", "profile", "capacity", "bench", "compare", "gate", "ablate", "judge", "report"):
        with pytest.raises(SystemExit):
            cli.main([command, "--help"])
        assert "--no-report" in capsys.readouterr().out, command


def test_a_run_without_a_page_does_not_load_what_draws_and_is_stored_whole(tmp_path):
    words = [
        "run",
        "closed",
        "--target",
        "known:constant",
        "--users",
        "1",
        "--duration",
        "100ms",
        "--warmup",
        "0s",
    ]
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_DRAWING, *words, "--no-report", "--json"],
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    # 5: a busy machine may spoil so short a run; it is stored all the same.
    assert ended.returncode in {ExitCode.OK, ExitCode.INVALID}, ended.stderr
    assert json.loads(ended.stdout)["report"] is None
    (folder,) = (tmp_path / "runs").iterdir()
    assert pages(folder) == []
    assert {"run.json", "timing"} <= {path.name for path in folder.iterdir()}
    assert cli.main(["report", str(folder), "-o", str(tmp_path / "later.html")]) == ended.returncode
    assert (tmp_path / "later.html").stat().st_size > 10_000
