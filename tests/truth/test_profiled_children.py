"""`--subprocesses`: what children do is in the profiles below a root of its own, and what the process does is unchanged."""

import pytest

from harness.cli import main
from harness.profiles.capture.memory_children import MOST_KEPT
from harness.profiles.stacks.folded import read_folded
from harness.profiling.runs import MEMORY_REQUESTS
from harness.work.retention import foreign
from tests.support.cli import inside

KID = """
import time
def spin_in_child():
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
spin_in_child()
"""
TARGET = """
import os, subprocess, sys, time
from pathlib import Path
KID = str(Path(__file__).with_name("kid.py"))

def spin_in_fork():
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass

def fork(function):
    if pid := os.fork():
        os.waitpid(pid, 0)
        return
    try:
        function()
    finally:
        os._exit(0)

class Spinning:
    operations = {"spin": 1}
    def make_event(self, operation, rng):
        return operation
    def call(self, event):
        subprocess.run([sys.executable, "-I", "-S", KID, "--password=hunter2;\\n"], check=True)
        fork(spin_in_fork)

def grow():
    return [bytearray(1000) for _ in range(300)]

class Growing:
    operations = {"grow": 1}
    def make_event(self, operation, rng):
        return operation
    def call(self, event):
        subprocess.run(["true"], check=True)
        fork(grow)

def with_gevent():
    import gevent
    return Growing()
"""
BELOW = "(child processes)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("children")
    (made / "kid.py").write_text(KID)
    (made / "own.py").write_text(TARGET)
    return made


def profiled(folder, factory, kind, *words):
    said = inside(
        folder, "profile", "closed", "--target", f"own.py:{factory}", "--users", 1, "--warmup", "0s",
        "--kinds", kind, "--json", *words,
    )  # fmt: skip
    assert said.code == 0, said.stderr
    (run,) = said.document["runs"]
    (facts,) = run["profiles"][kind]
    return said, folder / run["dir"], facts


@pytest.fixture(scope="module")
def spun(folder):
    return profiled(folder, "Spinning", "cpu", "--duration", "1500ms", "--subprocesses")


@pytest.fixture(scope="module")
def grown(folder):
    return profiled(folder, "Growing", "memory", "--subprocesses")


def of_children(profile):
    return sum(weight for stack, weight in profile.stacks.items() if stack[0] == BELOW)


def test_cpu_of_children_is_below_their_root_and_the_sum_is_stated(spun):
    said, directory, facts = spun
    profile = read_folded(directory / "cpu" / "cpu.folded")
    ours = [stack for stack in profile.stacks if any("spin_in_" in name for name in stack)]
    assert {stack[0] for stack in ours} == {BELOW}
    # py-spy may find a child in the moment before it is another program.
    assert {name for stack in ours for name in stack if name.startswith("spin_in_child")} == {
        "spin_in_child (kid.py)"
    }
    assert any(
        stack[1:3] == ("(child) forked", "operation:spin") and stack[-1] == "spin_in_fork (own.py)"
        for stack in ours
    )
    assert 0 < facts["child_samples"] == of_children(profile)
    assert facts["samples"] == facts["kept"] + facts["idle"] + facts["paced"] + facts["torn"]
    assert facts["kept"] == profile.total
    assert "of child processes, below (child processes)" in " ".join(said.stderr.split())


def test_a_run_folder_keeps_no_command_line_of_a_child_and_is_the_harness_s_own(spun, grown):
    for _, directory, _ in (spun, grown):
        assert not foreign(directory)
        for path in directory.rglob("*"):
            assert path.is_dir() or b"hunter2" not in path.read_bytes(), path


def test_children_are_in_no_cpu_profile_where_nobody_asked(folder):
    _, directory, facts = profiled(folder, "Spinning", "cpu", "--duration", "800ms")
    assert "child_samples" not in facts
    assert "spin_in_" not in (directory / "cpu" / "cpu.folded").read_text()


def test_allocations_of_forks_are_stated_apart_and_exact_counts_are_what_they_are_without(folder, grown):
    said, directory, facts = grown
    _, plain_directory, plain = profiled(folder, "Growing", "memory")
    allocations, alone = (
        read_folded(path / "memory" / "memory.folded") for path in (directory, plain_directory)
    )
    assert facts["allocations_per_operation"] == plain["allocations_per_operation"]
    assert allocations.by_operation()["grow"].stacks == alone.by_operation()["grow"].stacks
    assert facts["child_processes"] == MEMORY_REQUESTS
    # Each byte array is an object and a buffer.
    assert facts["child_allocations"] >= 600 * MEMORY_REQUESTS
    assert facts["child_allocations"] == of_children(allocations)
    assert 300_000 <= facts["child_peak_bytes"] < 600_000
    assert facts["lost_children"] == 0
    assert "child_processes" not in plain
    assert of_children(alone) == 0
    kept = list(directory.rglob("memory.bin.*"))
    assert len(kept) == MOST_KEPT
    assert "none that executes another program" in " ".join(said.stderr.split())


def test_forks_of_a_target_with_gevent_are_not_followed_and_the_report_says_why(folder):
    said, directory, facts = profiled(folder, "with_gevent", "memory", "--subprocesses")
    assert "child_processes" not in facts
    assert list(directory.rglob("memory.bin.*")) == []
    assert "Forks were not followed: the target imports gevent" in " ".join(said.stderr.split())
    assert "Forks were not followed" in (folder / said.document["report"]).read_text()


@pytest.mark.parametrize(
    ("words", "remedy"),
    [(("run", "closed"), "Add --profile cpu,memory"), (("profile", "closed", "--kinds", "wait"), "--kinds")],
)
def test_children_without_a_profile_that_can_have_them_are_a_mistake(
    words, remedy, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main([*words, "--target", "known:noop", "--subprocesses"]) == 2
    said = capsys.readouterr().err
    assert "--subprocesses applies to profiles of CPU and memory" in said
    assert remedy in said
    assert list(tmp_path.iterdir()) == []
