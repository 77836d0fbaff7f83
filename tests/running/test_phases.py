"""`make test`: both phases run whatever the first came to, and only what measures gets a second try, which is told."""

import sys

import pytest

from tests.running import phases

PROJECT = """
[tool.pytest.ini_options]
filterwarnings = ["error"]
addopts = "-p xdist --strict-markers -m 'not proof'"
markers = ["measures", "proof"]
"""
TESTS = """
import os, pathlib, pytest

def once(name):
    with open("ran", "a") as file:
        file.write(f"{name} {os.environ.get('PYTEST_XDIST_WORKER', 'alone')}\\n")
    return pathlib.Path("ran").read_text().count(f"{name} ") == 1

def test_plain():
    once("plain")

def test_flaky():
    assert not once("flaky")

@pytest.mark.measures
def test_steady():
    once("steady")

@pytest.mark.measures
def test_disturbed():
    assert not once("disturbed")

@pytest.mark.measures
def test_broken():
    once("broken")
    assert False

@pytest.mark.proof
@pytest.mark.measures
def test_long():
    once("long")
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "test_all.py").write_text(TESTS)
    monkeypatch.chdir(tmp_path)
    # The plugins of this environment cost a second each time, and have no part in this.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    # This suite may itself run under workers.
    for name in (
        "PYTEST_XDIST_WORKER",
        "PYTEST_XDIST_WORKER_COUNT",
        "PYTEST_XDIST_TESTRUNUID",
        "PYTEST_ADDOPTS",
    ):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_workers_share_what_does_not_measure_and_only_what_measures_is_tried_twice(project, capfd):
    code = phases.main(["-q"])
    ran = [line.split() for line in (project / "ran").read_text().splitlines()]
    assert {worker for name, worker in ran if name in {"plain", "flaky"}} <= {"gw0", "gw1", "gw2"}
    assert {worker for name, worker in ran if name not in {"plain", "flaky"}} == {"alone"}
    assert [name for name, _ in ran if name in {"plain", "flaky"}] == ["plain", "flaky"]
    assert [name for name, _ in ran][2:] == ["steady", "disturbed", "broken", "disturbed", "broken"]
    told = capfd.readouterr().out
    assert "second tries: 2 (test_all.py::test_disturbed, test_all.py::test_broken)" in told
    assert ("side by side: FAILED" in told, "alone: FAILED" in told, code) == (True, True, 1)


class Pytest:
    """Answers with these exit codes, and leaves behind what pytest would remember of its failures."""

    def __init__(self, *codes, failed="{}"):
        self.codes, self.failed, self.asked = list(codes), failed, []

    def __call__(self, arguments):
        self.asked.append(arguments)
        code = self.codes.pop(0)
        folders = [word.removeprefix("cache_dir=") for word in arguments if word.startswith("cache_dir=")]
        for folder in folders if code == 1 else []:
            memory = phases.Path(folder) / "v" / "cache"
            memory.mkdir(parents=True, exist_ok=True)
            (memory / "lastfailed").write_text(self.failed)
        return code


@pytest.mark.parametrize(
    ("codes", "failed", "verdict", "tries"),
    [
        ((0, 0), "{}", 0, 0),
        ((1, 0), "{}", 1, 0),  # no second try, and the second phase runs all the same
        ((0, 1, 0), '{"t.py::a": true}', 0, 1),
        ((0, 1, 1), '{"t.py::a": true, "t.py::b": true}', 1, 2),
        ((1, 1, 0), '{"t.py::a": true}', 1, 1),
        ((0, 2), "{}", 2, 0),  # a file that cannot be imported
        ((4, 4), "{}", 4, 0),  # an option that pytest does not have
        ((0, 5), "{}", 0, 0),  # of one file nothing measures
        ((5, 0), "{}", 0, 0),
        ((5, 5), "{}", 5, 0),  # no data is never a pass
        ((5, 1, 1), '{"t.py::a": true}', 1, 1),
    ],
)
def test_the_verdict_is_red_if_either_phase_is_and_every_second_try_is_counted(codes, failed, verdict, tries):
    fake = Pytest(*codes, failed=failed)
    done = phases.run(fake, ["-x"])
    assert phases.verdict(done) == verdict
    assert fake.codes == []
    assert all(asked[-1] == "-x" or asked[-2:] == ["-x", "--last-failed"] for asked in fake.asked)
    assert f"second tries: {tries}" in phases.report(done)


def test_without_a_memory_of_failures_there_is_no_second_try():
    class Forgetful(Pytest):
        def __call__(self, arguments):
            self.asked.append(arguments)
            return self.codes.pop(0)

    done = phases.run(Forgetful(0, 1), ["-p", "no:cacheprovider"])
    assert (phases.verdict(done), done[1].second_tries) == (1, ())


def test_ctrl_c_waits_for_the_end_of_pytest(tmp_path, monkeypatch):
    ended = tmp_path / "ended"
    script = f"import pathlib, time; time.sleep(0.3); pathlib.Path({str(ended)!r}).touch()"

    class Interrupted(phases.subprocess.Popen):
        def wait(self, timeout=None):
            if not hasattr(self, "told"):
                self.told = True
                raise KeyboardInterrupt
            return super().wait(timeout)

    monkeypatch.setattr(
        phases.subprocess, "Popen", lambda _words, **_how: Interrupted([sys.executable, "-c", script])
    )
    assert phases.main([]) == phases.INTERRUPTED
    assert ended.exists()


def test_the_tests_keep_bytecode_whatever_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    file = tmp_path / "test_kept.py"
    file.write_text("import sys\n\ndef test_kept():\n    assert not sys.dont_write_bytecode\n")
    assert (
        phases.pytest_process(["-q", "-c", "/dev/null", "--rootdir", str(tmp_path), str(file)])
        == phases.PASSED
    )
