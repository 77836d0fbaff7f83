"""`make prove`: what has passed on the same state of the source is not run again; each result is kept at once."""

import json
import subprocess

import pytest

from tests.running import proofs

PROJECT = """
[tool.pytest.ini_options]
addopts = "-m 'not proof'"
markers = ["proof"]
"""
TESTS = """
import pathlib, pytest

def test_short():
    assert False, "no proof"

@pytest.mark.proof
@pytest.mark.parametrize("kind", ["one", "and another"])
def test_long(kind):
    assert pathlib.Path("README.md").read_text() != "wrong" or kind == "one"

@pytest.mark.proof
def test_skipped():
    pytest.skip("not here")
"""
ONE, ANOTHER, SKIPPED = (
    f"tests/test_all.py::test_{name}" for name in ("long[one]", "long[and another]", "skipped")
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_all.py").write_text(TESTS)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "README.md").write_text("right")
    (tmp_path / ".gitignore").write_text("__pycache__/\n.pytest_cache/\n")
    monkeypatch.chdir(tmp_path)
    # The plugins of this environment cost a second each time, and have no part in this.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "."],
    ):
        subprocess.run(["git", *words], check=True)
    return tmp_path


def test_real_proofs_run_alone_and_what_was_skipped_is_not_proven(project, capfd):
    assert proofs.main([]) == proofs.FAILED
    kept = [json.loads(line) for line in (project / "proofs" / "results.jsonl").read_text().splitlines()]
    assert [(one["proof"], one["outcome"]) for one in kept] == [
        (ANOTHER, "passed"),
        (ONE, "passed"),
        (SKIPPED, "skipped"),
    ]
    assert {one["source"] for one in kept} == {proofs.state_of_source()}
    assert all(not one["commit"].endswith("+") for one in kept)
    told = capfd.readouterr().out
    assert told.endswith(f"proofs: 2 of 3 have passed\n{SKIPPED}\n")


@pytest.fixture
def asked(project, monkeypatch):
    """Three proofs that fail only where the README is wrong; returns those that were run."""
    run = []

    def prove(proof):
        run.append(proof)
        if (project / "interrupt").exists() and len(run) == 2:
            raise KeyboardInterrupt
        return "failed" if (project / "README.md").read_text() == "wrong" else "passed"

    monkeypatch.setattr(proofs, "collect", lambda words: [word for word in "abc" if word in (words or "abc")])
    monkeypatch.setattr(proofs, "prove", prove)
    return run


def test_what_has_passed_runs_again_only_after_a_change_of_the_source(project, asked):
    assert (proofs.main([]), asked) == (0, ["a", "b", "c"])
    (project / "notes").write_text("no source")
    assert (proofs.main([]), asked) == (0, ["a", "b", "c"])
    (project / "README.md").write_text("wrong")
    assert (proofs.main(["b"]), asked) == (1, ["a", "b", "c", "b"])
    kept = proofs.read(proofs.RESULTS)
    assert (kept["a"].outcome, kept["b"].outcome) == ("passed", "failed")
    assert (kept["a"].commit + "+", kept["a"].source != kept["b"].source) == (kept["b"].commit, True)
    # A failure is tried again, although nothing has changed; and what was right is right again without a run.
    assert (proofs.main(["b"]), asked[4:]) == (1, ["b"])
    (project / "README.md").write_text("right")
    assert (proofs.main([]), asked[5:]) == (0, ["b"])
    (project / "tests" / "new.py").touch()
    assert (proofs.main([]), asked[6:]) == (0, ["a", "b", "c"])


def test_an_interrupted_row_of_proofs_goes_on_where_it_was(project, asked):
    (project / "interrupt").touch()
    assert (proofs.main([]), asked) == (proofs.INTERRUPTED, ["a", "b"])
    (project / "interrupt").unlink()
    assert (proofs.main([]), asked) == (0, ["a", "b", "b", "c"])


def test_the_result_of_a_proof_that_is_no_more_goes_with_the_next_whole_round(project, asked, monkeypatch):
    proofs.main([])
    monkeypatch.setattr(proofs, "collect", lambda _words: ["b", "d"])
    proofs.main(["one of them"])
    assert list(proofs.read(proofs.RESULTS)) == ["a", "b", "c", "d"]
    proofs.main([])
    assert list(proofs.read(proofs.RESULTS)) == ["b", "d"]
