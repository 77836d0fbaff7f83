"""However a child of any kind ends, its name and its signal are said, and a killed one is no fault of the caller's."""

import json
import os
import signal

import pytest

from harness.cli import main
from harness.errors import ExitCode, HarnessError, InvalidRunError, ServerError, TargetError
from harness.processes.job import Ready
from harness.processes.loadrun import LoadPlan, LoadResult, run_into
from harness.processes.measure import Ending, ended_early
from harness.processes.subject import Subject
from harness.profiles.capture import cpu
from harness.run.directory import RunDirectory
from harness.run.documents import HostFacts, RunDocument
from harness.session.sides import lockfiles
from harness.supervise import wait_ready
from harness.supervise.ending import ending, how_it_ended, why_it_may_have
from scenarios.catalogue import SCENARIOS
from tests.support.cli import sentence_of

KILLED = ["sh", "-c", "kill -9 $$"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-signal.SIGTERM, "was killed by SIGTERM"),
        (-signal.SIGKILL, f"was killed by SIGKILL ({why_it_may_have(-signal.SIGKILL)})"),
        (-signal.SIGSEGV, "was killed by SIGSEGV (compiled code crashed)"),
        (-41, "was killed by signal 41"),
        (139, "ended with exit code 139 (a process within it was killed by SIGSEGV) (compiled code crashed)"),
        (255, "ended with exit code 255"),
    ],
)  # fmt: skip
def test_an_exit_code_is_said_in_words(code, words):
    assert ending(code) == words
    assert ending(code).startswith(how_it_ended(code))


def test_every_code_that_there_is_has_words():
    assert all(ending(code) for code in range(-200, 300))


def ended(supervisor, tmp_path, *argv):
    child = supervisor.start("it", argv, log=tmp_path / "it.log")
    return child, child.wait(20)


def test_a_process_that_said_nothing_is_not_quoted(supervisor, tmp_path):
    child, code = ended(supervisor, tmp_path, *KILLED)
    error = ended_early("worker-1", code, child)
    assert isinstance(error, InvalidRunError)
    assert "worker-1 was killed by SIGKILL (possibly the kernel's out-of-memory killer" in str(error)
    assert f"it wrote no output ({tmp_path / 'it.log'})" in str(error)
    child, code = ended(supervisor, tmp_path, "sh", "-c", "echo no such thing; exit 3")
    error = ended_early("The measured process", code, child)
    assert isinstance(error, TargetError)
    assert "ended with exit code 3 before the run began; its last output: no such thing" in str(error)


def test_a_server_that_is_killed_while_it_starts_is_named(supervisor, tmp_path):
    child = supervisor.start("redis", KILLED, log=tmp_path / "log")
    with pytest.raises(ServerError, match=r"Redis was killed by SIGKILL .possibly the kernel's"):
        wait_ready(child, lambda: False, 20, "Redis")


def test_pip_that_is_killed_is_named(supervisor, tmp_path):
    with pytest.raises(HarnessError, match="pip was killed by SIGKILL"):
        lockfiles._run(
            supervisor, "installing the lock file", KILLED, tmp_path / "a lock.txt", tmp_path / "log"
        )


def test_a_profiler_that_is_killed_before_it_samples_is_named(supervisor, tmp_path, monkeypatch):
    program = tmp_path / "py-spy"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    monkeypatch.setattr(cpu, "py_spy_program", lambda: str(program))
    profiler = cpu.CpuProfiler(supervisor, os.getpid(), tmp_path / "raw", tmp_path / "log")
    assert not profiler.start()
    assert "py-spy was killed by SIGKILL" in profiler.reason


def test_a_run_whose_server_died_meanwhile_is_invalid_and_names_it(supervisor, tmp_path):
    """Its calls fail, which would be a valid finding about the target."""
    scenario = SCENARIOS["steady"]
    plan = LoadPlan(scenario=scenario, rate_per_s=1.0, users=1, duration_s=1.0, warmup_s=0.0, seed=1)
    directory = RunDirectory.create(tmp_path, "steady", "")
    server = supervisor.start("redis", ["sleep", "60"], log=tmp_path / "redis.log")
    supervisor.start("graph", ["sleep", "60"], log=tmp_path / "graph.log")

    def document_of(mix):
        return RunDocument(scenario="steady", target="t", variant="", seed=1, started_at="", command="",
                           plan=plan.facts(mix), environment={})  # fmt: skip

    def run(_supervisor, _subject, _plan, _folder, *, on_mix, tick):
        on_mix({"a": 1.0})
        tick(0.0)
        os.kill(server.pid, signal.SIGKILL)
        os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
        return LoadResult(Ending(), HostFacts(), Ready({"a": 1.0}))

    document, _ = run_into(directory, supervisor, Subject("t", {}), plan, document_of, lambda _: None, run)
    assert len(document.trouble) == 1
    assert document.trouble[0].startswith("redis was killed by SIGKILL (possibly the kernel's")
    assert document.trouble[0].endswith("during the run")
    assert directory.read().trouble == document.trouble


DYING = """
import os, signal
from tests.support.cli import sentence_of

if os.environ.get("HARNESS_WORKER", "1") == "1":
    os.kill(os.getpid(), signal.SIGKILL)


class Target:
    def call(self, event):
        return None


factory = Target
"""


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--workers", "2", "--engine", "gevent"], "worker-1"),
        (["--workers", "2"], "The process that looks at the target"),
        ([], "The measured process"),
    ],
    ids=["workers", "workers of any engine", "alone"],
)
def test_a_process_that_is_killed_before_the_run_began_is_named_and_nothing_is_left(
    tmp_path, capsys, words, name
):
    (tmp_path / "dying.py").write_text(DYING)
    code = main(["run", "steady", "--target", f"{tmp_path / 'dying.py'}:factory", "--duration", "1s", "--rate", "10",
                 "--out", str(tmp_path / "runs"), "--json", *words])  # fmt: skip
    said = json.loads(capsys.readouterr().out)
    assert code is ExitCode.INVALID, said
    assert f"{name} was killed by SIGKILL" in sentence_of(said)
    assert "it wrote no output" in sentence_of(said)
    assert list((tmp_path / "runs").iterdir()) == []
