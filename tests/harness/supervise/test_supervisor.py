"""Children start, become ready, end, and never outlive their supervisor. Every process here is real."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from harness.errors import HarnessError, ServerError
from harness.supervise import (
    Secrets,
    Supervisor,
    TerminationError,
    ready_yet,
    termination_as_exception,
    wait_ready,
)
from tests.support.processes import FAMILY, SLEEP, grandchild_of, is_alive, survivors, wait_for

STUBBORN = ["sh", "-c", "trap '' TERM; echo stubborn >&2; while :; do sleep 1; done"]


def test_a_child_runs_the_program_itself_under_the_pid_that_is_reported(tmp_path):
    with Supervisor() as supervisor:
        child = supervisor.start("sleeper", ["sh", "-c", "echo $$ >&2; exec sleep 600"], log=tmp_path / "log")
        assert int(wait_for(tmp_path / "log", "\n")) == child.pid
        assert child.poll() is None


def test_a_child_leads_its_own_process_group_so_that_ctrl_c_does_not_reach_it(tmp_path):
    with Supervisor() as supervisor:
        child = supervisor.start("sleeper", SLEEP, log=tmp_path / "log")
        assert os.getpgid(child.pid) == child.pid != os.getpgid(0)


def test_standard_output_and_error_go_to_the_log(tmp_path):
    with Supervisor() as supervisor:
        child = supervisor.start("talker", ["sh", "-c", "echo out; echo err >&2"], log=tmp_path / "a" / "log")
        assert child.wait(10) == 0
        assert child.log_tail().split() == ["out", "err"]


def test_pipes_carry_data_when_they_are_asked_for(tmp_path):
    with Supervisor() as supervisor:
        child = supervisor.start(
            "cat", ["cat"], log=tmp_path / "log", stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        child.stdin.write(b"hello")
        child.stdin.close()
        assert child.stdout.read() == b"hello"
        assert child.wait(10) == 0
        assert child.log_tail() == ""


def test_file_descriptors_are_handed_over_only_by_request(tmp_path):
    reader, writer = os.pipe()
    with Supervisor() as supervisor, open(reader) as file:
        argv = ["sh", "-c", f"echo through >/proc/self/fd/{writer}"]
        supervisor.start("closed", argv, log=tmp_path / "closed").wait(10)
        supervisor.start("open", argv, log=tmp_path / "open", pass_fds=[writer]).wait(10)
        os.close(writer)
        assert file.read() == "through\n"


def test_environment_and_folder_are_the_ones_given(tmp_path):
    with Supervisor() as supervisor:
        env = {"PATH": os.environ["PATH"], "COLOUR": "green"}
        child = supervisor.start(
            "pwd", ["sh", "-c", "pwd; echo $COLOUR"], log=tmp_path / "log", cwd=tmp_path, env=env
        )
        child.wait(10)
        assert child.log_tail().split() == [str(tmp_path), "green"]


def test_signals_that_python_ignores_work_in_the_child(tmp_path):
    with Supervisor() as supervisor:
        child = supervisor.start("pipe", ["sh", "-c", "kill -PIPE $$"], log=tmp_path / "log")
        assert child.wait(10) == -signal.SIGPIPE


def test_a_missing_program_is_one_sentence_with_a_remedy(tmp_path):
    with Supervisor() as supervisor, pytest.raises(ServerError) as caught:
        supervisor.start("graph", ["no-such-program"], log=tmp_path / "log")
    assert str(caught.value).startswith(
        "graph cannot be started: program 'no-such-program' not found. Install"
    )


def test_a_program_that_cannot_be_executed_says_so_in_its_log(tmp_path):
    program = tmp_path / "broken"
    program.write_bytes(b"\x7fELF")
    program.chmod(0o700)
    with Supervisor() as supervisor:
        child = supervisor.start("broken", [str(program)], log=tmp_path / "log")
        assert child.wait(10) == 126
        assert "cannot run" in child.log_tail()


def test_children_are_started_from_the_main_thread_only(tmp_path):
    errors = []

    def start(supervisor):
        try:
            supervisor.start("sleeper", SLEEP, log=tmp_path / "log")
        except HarnessError as error:
            errors.append(str(error))

    with Supervisor() as supervisor:
        thread = threading.Thread(target=start, args=[supervisor], name="pool-1")
        thread.start()
        thread.join()
    (message,) = errors
    assert message == (
        "sleeper cannot be started from the thread 'pool-1'. "
        "Start children from the main thread: they die with the thread that started them."
    )


def test_stop_ends_a_polite_child_with_sigterm(tmp_path):
    with Supervisor() as supervisor:
        child = supervisor.start("sleeper", SLEEP, log=tmp_path / "log")
        assert child.stop() == -signal.SIGTERM
        assert child.stop() == -signal.SIGTERM
        assert not is_alive(child.pid)


def test_stop_kills_a_child_that_ignores_sigterm(tmp_path):
    with Supervisor() as supervisor:
        child = supervisor.start("stubborn", STUBBORN, log=tmp_path / "log")
        wait_for(tmp_path / "log", "stubborn")
        assert child.stop(grace_s=0.05) == -signal.SIGKILL


def test_stop_ends_grandchildren_too(tmp_path):
    with Supervisor() as supervisor:
        child = supervisor.start("family", FAMILY, log=tmp_path / "log")
        grandchild = grandchild_of(tmp_path / "log")
        assert is_alive(grandchild)
        child.stop()
        assert not survivors([grandchild])


def test_what_a_child_leaves_behind_is_swept_when_it_ends_by_itself(tmp_path):
    with Supervisor() as supervisor:
        argv = ["sh", "-c", "sleep 600 & echo grandchild $! >&2"]
        child = supervisor.start("leaver", argv, log=tmp_path / "log")
        assert child.wait(10) == 0
        assert not survivors([grandchild_of(tmp_path / "log")])


def test_waiting_too_long_is_an_error_and_leaves_the_child_alone(tmp_path):
    with Supervisor() as supervisor:
        child = supervisor.start("sleeper", SLEEP, log=tmp_path / "log")
        with pytest.raises(ServerError, match=r"sleeper still runs after 0\.01 s"):
            child.wait(0.01)
        assert child.poll() is None


def test_a_child_used_as_a_context_ends_with_its_block(tmp_path):
    with Supervisor() as supervisor:
        with supervisor.start("sleeper", SLEEP, log=tmp_path / "log") as child:
            assert is_alive(child.pid)
        assert not is_alive(child.pid)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, TerminationError])
def test_children_end_with_the_block_also_by_an_exception(tmp_path, error):
    with pytest.raises(error), Supervisor() as supervisor:  # noqa: PT012 - the block is what is tested.
        children = [supervisor.start(name, SLEEP, log=tmp_path / name) for name in "abc"]
        raise error(signal.SIGTERM)
    assert [child.poll() for child in children] == [-signal.SIGTERM] * 3


def test_children_end_in_the_reverse_order_of_their_start(tmp_path):
    argv = ["sh", "-c", "trap 'date +%s%N >&2; exit' TERM; echo ready >&2; while :; do sleep 0.01; done"]
    with Supervisor() as supervisor:
        for name in "abc":
            supervisor.start(name, argv, log=tmp_path / name)
            wait_for(tmp_path / name, "ready")
    ended = {name: int((tmp_path / name).read_text().split()[1]) for name in "abc"}
    assert sorted(ended, key=ended.get) == ["c", "b", "a"]


def test_a_second_ctrl_c_while_children_end_kills_the_rest(tmp_path):
    with pytest.raises(KeyboardInterrupt), Supervisor() as supervisor:  # noqa: PT012 - raised at its end.
        children = [supervisor.start(name, STUBBORN, log=tmp_path / name) for name in "ab"]
        for name in "ab":
            wait_for(tmp_path / name, "stubborn")
        interrupt = threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT])
        interrupt.start()
    interrupt.join()
    assert [child.poll() for child in children] == [-signal.SIGKILL] * 2


STORM = """
import signal, sys, time
from pathlib import Path
from harness.supervise import Supervisor

class Interruption(Exception):
    pass

def interrupt(*_):
    raise Interruption

signal.signal(signal.SIGALRM, interrupt)
with Supervisor() as supervisor:
    child = supervisor.start("sleeper", ["sleep", "60"], log=Path(sys.argv[1]))
    for _ in range(100):
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.0005)
            while child.poll() is None:
                pass
        except Interruption:
            pass
    print(child.stop())
"""


def test_interruptions_while_one_looks_at_a_child_do_not_hang_its_end(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", STORM, str(tmp_path / "log")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == f"{-signal.SIGTERM}\n", done.stderr


def test_a_child_is_ready_when_the_question_says_so(tmp_path):
    answers = iter([False, False, True])
    with Supervisor() as supervisor:
        child = supervisor.start("sleeper", SLEEP, log=tmp_path / "log")
        assert wait_ready(child, lambda: next(answers), 10, "the sleeper") >= 0
        assert next(answers, "none left") == "none left"


def test_a_child_that_dies_during_its_start_is_one_sentence_with_the_tail_of_its_log(tmp_path):
    with Supervisor(redact=["hunter2"]) as supervisor:
        argv = ["sh", "-c", "echo password hunter2 is refused >&2; exit 3"]
        child = supervisor.start("redis", argv, log=tmp_path / "log")
        with pytest.raises(ServerError) as caught:
            wait_ready(child, lambda: False, 10, "Redis")
    assert str(caught.value) == (
        f"Redis ended with exit code 3 during its start ({tmp_path / 'log'}). "
        "Its log ends with:\npassword ******* is refused"
    )


def test_a_child_killed_by_a_signal_names_the_signal(tmp_path):
    with Supervisor() as supervisor:
        child = supervisor.start("redis", ["sh", "-c", "kill -SEGV $$"], log=tmp_path / "log")
        with pytest.raises(
            ServerError,
            match=r"was killed by SIGSEGV \(compiled code crashed\) during its start .*Its log is empty\.",
        ):
            wait_ready(child, lambda: False, 10, "Redis")


def test_an_answer_from_somebody_else_does_not_make_a_dead_child_ready(tmp_path):
    with Supervisor() as supervisor:
        child = supervisor.start("sleeper", SLEEP, log=tmp_path / "log")

        def answered_while_it_died():
            child.stop()
            return True

        with pytest.raises(ServerError, match="was killed by SIGTERM during its start"):
            ready_yet(child, answered_while_it_died, "the sleeper")


def test_a_child_that_is_never_ready_is_an_error_after_the_time_out(tmp_path):
    with Supervisor() as supervisor:
        child = supervisor.start("sleeper", SLEEP, log=tmp_path / "log")
        with pytest.raises(ServerError, match=r"the sleeper was not ready after 0\.05 s"):
            wait_ready(child, lambda: False, 0.05, "the sleeper")


def test_the_tail_of_a_log_is_its_last_lines(tmp_path):
    with Supervisor() as supervisor:
        child = supervisor.start("counter", ["seq", "100000"], log=tmp_path / "log")
        child.wait(10)
        assert child.log_tail(lines=2) == "99999\n100000"


def test_the_log_of_a_child_holds_no_secret_once_it_has_ended_and_all_else(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"token=of-somebody-else \xff\n")
    says = "echo Größe; echo hunter2, --password word1234 for redis://:word1234567890@h; echo the end"
    with Supervisor(redact=["hunter2"]) as supervisor:
        supervisor.start("writer", ["sh", "-c", says], log=log).wait(10)
    assert log.read_bytes() == (
        b"token=of-somebody-else \xff\nGr\xc3\xb6\xc3\x9fe\n"
        b"*******, --password ******** for redis://[redacted]*****@h\nthe end\n"
    )


def test_a_log_that_others_write_to_meanwhile_loses_nothing_of_theirs(tmp_path):
    log = tmp_path / "log"
    with Supervisor(redact=["hunter2"]) as supervisor:
        one = supervisor.start("one", ["sh", "-c", "read x; echo of one"], log=log, stdin=subprocess.PIPE)
        supervisor.start("two", ["sh", "-c", "echo hunter2 of two"], log=log).wait(10)
        one.stdin.write(b"go\n")
        one.stdin.flush()
        one.wait(10)
    assert log.read_text() == "******* of two\nof one\n"


def test_a_secret_inside_another_secret_does_not_uncover_the_rest():
    secrets = Secrets(["abc", "abcdef", ""])
    assert secrets.hide("abcdef abc x") == "[redacted] [redacted] x"


def test_sigterm_is_an_exception_inside_the_block_and_what_it_was_after_it():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(TerminationError, match="SIGTERM"), termination_as_exception():  # noqa: PT012 - the
        # exception comes out of the sleep.
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_hangup_that_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with termination_as_exception():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
