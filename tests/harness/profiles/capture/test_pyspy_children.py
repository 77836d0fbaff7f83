"""py-spy's text of a process and its children: each stack is of the right process, and no command line is kept."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.profiles.capture.cpu import Mode, Recording, fold
from harness.profiles.capture.memory_children import MOST_KEPT, cannot_follow, fold_children
from harness.profiles.capture.pyspy_children import hide_commands, program, without_commands
from harness.profiles.capture.pyspy_text import sort_stacks
from harness.profiles.difference.frames import ProfiledRun, compare_frames
from harness.profiles.facts import CpuFacts, MemoryFacts
from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.marker import marker_name
from harness.profiling import compared
from harness.reading.children import children_sentence
from harness.run.documents import CpuProfile, MemoryProfile, Profiles
from harness.run.facts import ChildFacts
from harness.work.retention import _FILES
from reports.shared.child_processes import children_words

OWN = 'process 7:"/v/bin/python -P -m harness.processes.worker"'
MARKER = f"{marker_name('list')} (/w/harness/profiles/stacks/marker.py:70)"
CALL = "Core.call (/w/core.py:9)"
SPIN = "spin (/w/kid.py:3)"
GRANDCHILD = 'process 10:"python -m kid"'
WAITS = "Popen._try_wait (/v/lib/python3.11/subprocess.py:2004)"


def sort(*rows):
    return sort_stacks(without_commands("".join(f"{row}\n" for row in rows), 7), ["/w"])


def child(command, *frames, pid=8):
    return ";".join([OWN, f'process {pid}:"{command}"', *frames])


def test_what_the_process_did_is_what_it_is_without_children():
    rows = [f"main (/w/a.py:1);{MARKER};{CALL} 5", "main (/w/a.py:1);idle (/w/a.py:2) 3"]
    alone = sort_stacks("".join(f"{row}\n" for row in rows), ["/w"])
    beside = sort(
        *(f"{OWN};{row}" for row in rows), f"{child('python kid.py', 'Core.call (/w/core.py:99)')} 50"
    )
    own = {
        stack: weight for stack, weight in beside.profile.stacks.items() if stack[0] != "(child processes)"
    }
    assert own == alone.profile.stacks
    assert beside.profile.lines == alone.profile.lines
    assert (alone.of_children, beside.of_children) == (0, 50)


def test_a_childs_stack_is_below_the_root_of_all_and_its_program_and_processes_add_up():
    found = sort(
        f"{child('/v/bin/python3.11 -u /w/kid.py --token x', SPIN)} 5",
        f"{child('/v/bin/python /w/kid.py', SPIN, pid=9)} 6",
        f"{child('sh -c x', GRANDCHILD, SPIN)} 7",
        f"{child('python kid.py')} 2",
        f"{child('python kid.py', WAITS)} 4",
    )
    assert found.profile.stacks == {
        ("(child processes)", "(child) python kid.py", "spin (kid.py)"): 11,
        ("(child processes)", "(child) python -m kid", "spin (kid.py)"): 7,
        ("(child processes)", "(child) python kid.py"): 2,
    }
    assert (found.of_children, found.idle, found.torn) == (20, 4, 0)


def test_a_copy_of_the_process_stands_below_the_operation_that_made_it_and_in_none():
    worker = OWN.partition('"')[2].removesuffix('"')
    found = sort(
        f"{child(worker, 'main (/w/a.py:1)', MARKER, CALL)} 3",
        f"{child(worker, 'main (/w/a.py:1)')} 1",
    )
    assert found.profile.stacks == {
        ("(child processes)", "(child) forked", "operation:list", "Core.call (core.py)"): 3,
        ("(child processes)", "(child) forked", "main (a.py)"): 1,
    }


def test_the_rate_that_was_got_is_that_of_the_process_alone(tmp_path):
    raw = tmp_path / "pyspy.raw"
    raw.write_text(f"{MARKER};{CALL} 50\n{MARKER};{WAITS} 7\n(child) python kid.py;{SPIN} 30\n")
    _, facts = fold(Recording(raw, Mode.BLOCKING, 100, 87, 0, 1.0, 0.5, 0.0))
    assert (facts.rate_got_hz, facts.child_samples, facts.kept, facts.idle) == (100, 30, 80, 7)


def test_a_row_that_is_none_is_torn_with_its_weight():
    found = sort(f"{OWN};{MARKER};{CALL} 5", "process 7:nonsense 4")
    assert (found.profile.total, found.torn) == (5, 4)


@given(st.text().filter(lambda text: "s3cret" not in text), st.text())
def test_no_command_line_is_kept_and_no_sample_is_lost_whatever_it_holds(before, after):
    command = f"/v/bin/python kid.py {before}s3cret{after}".replace("\0", " ")
    text = without_commands(f"{child(command, SPIN)} 5\n{OWN};{MARKER};{CALL} 2\n", 7)
    assert "s3cret" not in text
    assert sort_stacks(text, ["/w"]).profile.stacks == {
        ("(child processes)", "(child) python kid.py", "spin (kid.py)"): 5,
        ("operation:list", "Core.call (core.py)"): 2,
    }


def test_the_file_on_the_disk_keeps_none_either(tmp_path):
    raw = tmp_path / "pyspy.raw"
    raw.write_text(child("python kid.py --password=s3cret;x\nprocess 5:", SPIN) + " 5\n")
    hide_commands(raw, 7)
    assert raw.read_text() == f"(child) python kid.py;{SPIN} 5\n"


@pytest.mark.parametrize(
    ("command", "frame"),
    [
        ("/v/bin/python3.12 /srv/app/worker.py --queue mail", "(child) python worker.py"),
        ("python -I -W ignore -X dev worker.py", "(child) python worker.py"),
        ("/v/bin/python -u -m shop.worker x", "(child) python -m shop.worker"),
        ("/v/bin/python /v/bin/celery -A shop worker", "(child) python celery"),
        ("python -c print('s3cret')", "(child) python -c"),
        ("python -Ic s3cret", "(child) python"),
        ("python - s3cret", "(child) python"),
        ("python --check-hash-based-pycs s3cret", "(child) python"),
        ("python -m", "(child) python"),
        ("sh -c s3cret", "(child) sh"),
        ("nginx: worker process", "(child) nginx"),
        ("", "(child) ?"),
    ],
)
def test_a_program_is_told_by_its_name_and_its_script_alone(command, frame):
    assert program(command) == frame


def test_files_of_forks_that_cannot_be_read_are_counted_and_few_files_stay(tmp_path):
    record, log = tmp_path / "memory.bin", tmp_path / "worker.log"
    log.write_text("all is well\n")
    for pid in range(20):
        (tmp_path / f"memory.bin.{pid}").write_bytes(b"nothing" * (pid + 1))
    (tmp_path / "memory.bin.old").write_bytes(b"of somebody else")
    allocations, sizes, facts = fold_children(MemoryFacts(), record, log)
    assert (allocations.total, sizes.total, facts.child_processes, facts.lost_children) == (0, 0, 0, 20)
    left = sorted(path.name for path in tmp_path.glob("memory.bin.*"))
    assert left == sorted(["memory.bin.old", *(f"memory.bin.{pid}" for pid in range(20 - MOST_KEPT, 20))])
    assert [name for name in left if not _FILES.fullmatch(name)] == ["memory.bin.old"]


FORKS = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from harness.profiles.capture.memory import MemoryProfiler

def grow(count):
    return [bytearray(1000) for _ in range(count)]

with MemoryProfiler(Path(sys.argv[2]), follow_fork=True):
    for first_closed in (None, 3, 0, 3):
        if pid := os.fork():
            os.waitpid(pid, 0)
            continue
        if first_closed is not None:
            os.closerange(first_closed, 4096)
        grow(20_000)
        if first_closed is not None:
            # memray notices at its next look at the memory of the process, every 10 ms where it gets the CPU.
            time.sleep(2.0)
        os._exit(0)
"""


def test_a_fork_that_closes_memrays_file_is_left_out_and_counted_and_others_are_whole(tmp_path):
    log, record = tmp_path / "worker.log", tmp_path / "memory.bin"
    with log.open("wb") as said:
        command = [sys.executable, "-c", FORKS, str(Path.cwd()), str(record)]
        subprocess.run(command, check=True, stderr=said, timeout=60)
    allocations, _, facts = fold_children(MemoryFacts(), record, log)
    assert (facts.child_processes, facts.lost_children) == (1, 3)
    assert facts.child_allocations == allocations.total >= 40_000


def test_memray_follows_no_fork_where_gevent_is_at_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "gevent", SimpleNamespace())
    assert "the target imports gevent" in cannot_follow()
    monkeypatch.delitem(sys.modules, "gevent")
    assert cannot_follow() == ""


def profiles(facts):
    forks = {"child_processes": facts["child_processes"]} if "child_processes" in facts else {}
    sampled = {name: value for name, value in facts.items() if name not in forks}
    return Profiles(
        cpu=CpuProfile(facts=CpuFacts(**sampled)), memory=MemoryProfile(facts=MemoryFacts(**forks))
    )


def sentence(waited_ns, **facts):
    service = SimpleNamespace(mean=100.0, count=10)
    run = SimpleNamespace(
        facts=SimpleNamespace(children=ChildFacts(cpu_s=1.5, waited_ns=waited_ns)),
        total=SimpleNamespace(histograms={"service_ns": service}),
        document=SimpleNamespace(profiles=profiles(facts)),
    )
    return children_sentence(run)


@pytest.mark.parametrize(
    ("facts", "waited", "at_large"),
    [
        ({"samples": 5}, " that were not profiled;", "Child processes were not profiled;"),
        ({"child_samples": 1200}, ", of which the profiles have 1,200 CPU samples;",
         "Of child processes the profiles have 1,200 CPU samples;"),
        ({"child_samples": 2, "child_processes": 3}, " 2 CPU samples and the allocations of 3 forks;",
         " 2 CPU samples and the allocations of 3 forks;"),
        ({"child_samples": 0}, ", of which the profiles have nothing;", "the profiles have nothing;"),
    ],
)  # fmt: skip
def test_a_run_says_what_its_profiles_have_of_child_processes(facts, waited, at_large):
    assert f"50 % of service was waiting for child processes{waited}" in sentence(500, **facts).replace(
        ", of which the profiles have 2", " 2"
    )
    assert at_large in sentence(0, **facts)


def test_no_function_of_a_child_is_called_changed():
    stacks = {("operation:list", "f (a.py)"): 900, ("(child processes)", "(child) sh", "f (a.py)"): 900}
    runs = [
        ProfiledRun(Profile("allocations", stacks), {"list": 9}),
        ProfiledRun(Profile("allocations", {}), {"list": 9}),
    ]
    changes = compare_frames(runs[:1], runs[1:])
    assert {row.operation for row in changes} == {"list", "(child processes)"}
    found = compared.Tested("memory", "memory", "allocations", (runs[:1], runs[1:]), changes)
    assert {row.operation for row in found.functions} == {"list"}


def test_what_py_spy_left_when_it_failed_keeps_no_command_line_either(tmp_path):
    raw = tmp_path / "pyspy.raw"
    raw.write_text(child("python kid.py --password=s3cret", SPIN)[:-30])
    hide_commands(raw, 7)
    assert raw.read_text() == "? 1\n"


def test_reports_say_what_profiles_cannot_have_of_child_processes():
    assert list(children_words([CpuFacts(samples=5, kept=5)])) == []
    (some,) = children_words([CpuFacts(kept=50, child_samples=20), CpuFacts(kept=40, child_samples=10)])
    assert some.startswith("60 CPU samples are of the process itself and 30 of child processes, below (child")
    (none,) = children_words([CpuFacts(kept=50, child_samples=0)])
    assert "No CPU sample is of a child process; py-spy reads Python programs alone" in none
    assert "ptrace_scope" in none
    forks = {
        "child_processes": 2,
        "child_allocations": 30,
        "child_allocated_bytes": 2048,
        "child_peak_bytes": 1024,
    }
    (followed,) = children_words(
        [MemoryFacts(**forks), MemoryFacts(**{**forks, "child_peak_bytes": 512, "lost_children": 1})]
    )
    assert "4 forks made 60 allocations of 4 KiB in all" in followed
    assert (
        "none held more than 1 KiB of it at once; 1 that closed memray's file, or were cut off, are left out"
        in followed
    )
    assert "none that executes another program" in followed
