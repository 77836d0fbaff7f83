"""Whole sessions on small projects: what they measure, what they leave behind, and how they end."""

import os
import signal
from pathlib import Path

import msgspec
import pytest

from harness.errors import HarnessError, UsageError
from harness.policy.policy import Policy
from harness.session import conductor
from harness.session.receipt import NULL_CONTROL, Block, State
from harness.session.sides import prepare, suite_copy
from harness.session.sides.subjects import TargetSide
from harness.session.slots import injection
from harness.session.slots.sizing import Discovery, Found
from harness.session.slots.slot import ForeignCodeError
from tests.support.git import git
from tests.support.processes import descendants, survivors
from tests.support.session import (
    NO_BLOCKS,
    ONE_BLOCK,
    TINY,
    Follow,
    Judge,
    commit,
    named,
    project,
    session,
    side,
    states,
    write,
)

WORK = "test_bench.py::test_work"
TWO_AND_ONE = msgspec.structs.replace(TINY, confirm_blocks=1)
CHANGED = "def work():\n    return sum(range(200)) + 0\n\ndef fresh():\n    return 1\n"


@pytest.fixture(autouse=True)
def nothing_is_left(temporary):
    """Every session removes its folder and its processes, however it ended."""
    before = descendants(os.getpid())
    yield
    assert list(temporary.iterdir()) == []
    assert survivors(descendants(os.getpid()) - before) == set()


@pytest.fixture
def folder(tmp_path):
    return project(tmp_path / "project")


@pytest.fixture
def no_slots(monkeypatch):
    """No process is started: what discovery finds and what becomes of a block is given."""
    found = Found(WORK, "test_bench.py", State.BOTH, 1e3, 1e3, whole_ns=1e3, warm_calls=1)
    monkeypatch.setattr(conductor.MicroSession, "discover", lambda _: Discovery((found,), 0.1, WORK))
    monkeypatch.setattr(conductor, "run_block", lambda _stage, request: planned(request))


def planned(request, trouble=None):
    return Block(
        number=request.number, phase=request.phase, seed=request.seed, cpu=0, spawned=[], trouble=trouble
    )


def troubled(request):
    return planned(request, "it died")


def left_as_it_was(folder: Path) -> None:
    assert len(git(folder, "worktree", "list").splitlines()) == 1
    assert not list(folder.rglob("__pycache__")), "a session writes into no checkout"


def test_a_session_screens_and_confirms_on_fresh_blocks_with_the_overlays_swapped_by_turns(
    folder, monkeypatch
):
    write(folder, {"pkg/__init__.py": CHANGED})
    places, real = [], conductor.run_block

    def run_and_note(stage, request):
        places.append("".join(stage.homes[name].overlay.name[-1] for name in ("base", "candidate", "null")))
        return real(stage, request)

    monkeypatch.setattr(conductor, "run_block", run_and_note)
    looks = Judge(frozenset({WORK}))
    receipt = session(folder, plan=TWO_AND_ONE, looks=looks)
    assert receipt.trouble == []
    assert places == ["abc", "bac", "abc"]
    assert [block.phase for block in receipt.blocks] == ["screen", "screen", "confirm"]
    assert [block.swapped for block in receipt.blocks] == [False, True, False]
    assert looks.seen == [("screening", 0), ("confirming", 2)]
    assert all(set(block.slices) == {WORK, NULL_CONTROL} for block in receipt.blocks)
    assert named(receipt, NULL_CONTROL).of == WORK
    assert named(receipt, NULL_CONTROL).warm_calls == named(receipt, WORK).warm_calls > 0
    assert (receipt.finished, receipt.interrupted) == (True, False)
    head = git(folder, "rev-parse", "HEAD")
    assert (receipt.base.revision, receipt.candidate.revision) == (head, f"{head}+changes")
    assert receipt.plan == TWO_AND_ONE
    left_as_it_was(folder)


def test_every_phase_has_as_many_blocks_as_are_planned_each_with_a_seed_of_its_own(
    folder, no_slots, monkeypatch
):
    monkeypatch.setattr(conductor, "warm_byte_code", lambda *_: None)
    looks, progress = Judge(frozenset({WORK})), Follow()
    receipt = session(folder, looks=looks, progress=progress)
    assert [block.phase for block in receipt.blocks] == ["screen", "screen", "confirm", "confirm"]
    assert [block.number for block in receipt.blocks] == list(range(4))
    assert len({block.seed for block in receipt.blocks}) == 4
    assert looks.seen == [("screening", 0), ("confirming", 2)]
    screened = [("screen", 1, 2), ("screen", 2, 2)]
    assert progress.heard == [*screened, ("confirm", 1, 2), ("confirm", 2, 2)]


def test_each_side_measures_its_own_code_even_under_an_editable_install(folder, tmp_path, monkeypatch):
    """The installed package is the candidate's, as in a checkout with `pip install -e .`, and so is the current folder."""
    write(folder, {"pkg/__init__.py": "def work():\n    raise RuntimeError('the candidate')\n"})
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.chdir(folder)
    receipt = session(folder, plan=NO_BLOCKS)
    assert states(receipt) == {WORK: State.BROKEN}
    assert named(receipt, WORK).note == "RuntimeError: the candidate"
    assert named(receipt, WORK).base_ns > 0


def test_new_removed_broken_and_unmeasured_benchmarks_are_told_apart(folder, monkeypatch):
    commit(folder, {"benchmarks/test_old.py": "def test_gone(benchmark): benchmark(int)\n"})
    (folder / "benchmarks" / "test_old.py").unlink()
    write(
        folder,
        {
            "pkg/__init__.py": CHANGED,
            "benchmarks/helper.py": "",
            "benchmarks/test_more.py": "import helper, pkg, pytest\n"
            "def test_fresh(benchmark): benchmark(pkg.fresh)\n"
            "def test_breaks(benchmark): assert benchmark(lambda: hasattr(pkg, 'fresh')) is False\n"
            "def test_skips(benchmark): pytest.skip('later')\n",
            "benchmarks/test_import.py": "from pkg import fresh\ndef test_it(benchmark): benchmark(fresh)\n",
            "benchmarks/test_syntax.py": "def test_it(benchmark)\n",
        },
    )
    asked = []
    monkeypatch.setattr(
        conductor, "run_block", lambda _, request: asked.append(request.benchmarks) or planned(request)
    )
    receipt = session(folder, plan=ONE_BLOCK)
    assert states(receipt) == {
        WORK: State.BOTH,
        "test_more.py::test_fresh": State.NEW,
        "test_more.py::test_breaks": State.BROKEN,
        "test_import.py::test_it": State.NEW,
        "test_syntax.py": State.BROKEN,
        "test_old.py::test_gone": State.REMOVED,
    }
    assert "has no attribute 'fresh'" in named(receipt, "test_more.py::test_fresh").note
    assert "cannot import name 'fresh'" in named(receipt, "test_import.py::test_it").note
    assert receipt.notes == ["test_more.py::test_skips is skipped: later"]
    assert [{one.name for one in benchmarks} for benchmarks in asked] == [{WORK, NULL_CONTROL}]


def test_a_candidate_that_cannot_be_imported_still_gives_a_receipt(folder):
    write(folder, {"pkg/__init__.py": "import no_such_module\n"})
    receipt = session(folder)
    assert states(receipt) == {WORK: State.BROKEN}
    assert "no_such_module" in named(receipt, WORK).note
    assert receipt.blocks == []
    assert receipt.finished


def test_a_base_without_the_package_makes_its_benchmarks_new(folder, monkeypatch):
    write(folder, {"extra/__init__.py": "def f(): pass\n"})
    write(folder, {"benchmarks/test_extra.py": "import extra\ndef test_f(benchmark): benchmark(extra.f)\n"})
    monkeypatch.setenv("PYTHONPATH", str(folder))
    receipt = session(folder, plan=NO_BLOCKS)
    assert states(receipt) == {WORK: State.BOTH, "test_extra.py::test_f": State.NEW}
    assert "No module named 'extra' on this side" in named(receipt, "test_extra.py::test_f").note


def test_code_from_outside_a_sides_tree_ends_the_session(folder, tmp_path):
    """A conftest may put anything into `sys.modules`; measuring it twice would say `ok` to every change."""
    write(tmp_path, {"elsewhere/__init__.py": ""})
    trick = (
        "import sys, importlib.util as u\n"
        f"s = u.spec_from_file_location('pkg', {str(tmp_path / 'elsewhere/__init__.py')!r})\n"
        "sys.modules['pkg'] = m = u.module_from_spec(s)\ns.loader.exec_module(m)\nm.work = lambda: 19900\n"
    )
    write(folder, {"benchmarks/conftest.py": trick})
    with pytest.raises(ForeignCodeError, match="imported pkg from outside its tree"):
        session(folder)
    left_as_it_was(folder)


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("git:nope", "Revision 'nope' does not exist"),
        ("git:", "names nothing"),
        ("path:/no/such/folder", "is not a folder"),
    ],
)
def test_a_subject_that_does_not_exist_is_an_error_of_usage_and_leaves_nothing(folder, base, message):
    with pytest.raises(UsageError, match=message):
        session(folder, base)
    left_as_it_was(folder)


def test_a_revision_of_a_folder_that_is_no_repository_is_an_error_of_usage(tmp_path):
    write(tmp_path, {"plain/pkg/__init__.py": "", "plain/benchmarks/test_x.py": ""})
    with pytest.raises(UsageError, match="needs a git repository"):
        session(tmp_path / "plain", "git:main")


def test_a_revision_from_before_the_project_had_its_folder_is_an_error_of_usage(folder):
    write(folder, {"inner/pkg/__init__.py": "", "inner/benchmarks/test_x.py": ""})
    with pytest.raises(UsageError, match="Revision 'main' has no folder 'inner/'"):
        session(folder / "inner", "git:main")
    left_as_it_was(folder)


def test_a_full_disk_is_said_and_leaves_nothing(folder, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(suite_copy.shutil, "copytree", full)
    with pytest.raises(HarnessError, match=r"cannot be filled: .*No space left on device"):
        session(folder)
    left_as_it_was(folder)


def test_roots_that_do_not_exist_are_an_error_of_usage(folder):
    with pytest.raises(UsageError, match="no source root: nowhere"):
        session(folder, policy=Policy(source_roots=("nowhere",)))


def test_plugins_that_the_policy_names_are_loaded_and_the_projects_own_options_are_not(folder):
    write(
        folder,
        {
            "benchmarks/pytest.ini": "[pytest]\naddopts = --no-such-option\n",
            "benchmarks/extra.py": "import pytest\n@pytest.fixture\ndef number(): return 3\n",
            "benchmarks/test_bench.py": "import pkg\ndef test_work(benchmark, number): assert benchmark(abs, number) == 3\n",
        },
    )
    assert states(session(folder, plan=NO_BLOCKS, policy=Policy(plugins=("extra",)))) == {WORK: State.BOTH}


def test_code_and_a_target_cannot_be_compared(folder):
    with pytest.raises(UsageError, match="one is code, the other a target"):
        session(folder, "git:main", TargetSide("target:x", "x:y"))


def test_folders_outside_git_are_compared_as_they_lie(tmp_path):
    for name in ("one", "two"):
        suite = "import pkg\ndef test_w(benchmark): benchmark(pkg.work)\n"
        write(tmp_path / name, {"pkg.py": "def work(): pass\n", "suite.py": suite})
    policy = Policy(source_roots=("pkg.py",), suite="suite.py")
    sides = (f"path:{tmp_path / name}" for name in ("one", "two"))
    receipt = session(tmp_path / "one", *sides, policy=policy, plan=NO_BLOCKS)
    assert states(receipt) == {"suite.py::test_w": State.BOTH}
    assert receipt.base.revision is None


def test_an_edit_while_the_session_measures_is_trouble(folder, no_slots):
    progress = Follow(lambda _heard: write(folder, {"pkg/__init__.py": CHANGED}))
    receipt = session(folder, plan=ONE_BLOCK, progress=progress)
    assert receipt.trouble == ["The candidate's files changed while they were measured: pkg/__init__.py"]
    assert not receipt.finished


def interrupt_after(blocks):
    return Follow(lambda heard: os.kill(os.getpid(), signal.SIGINT) if heard == blocks else None)


def test_ctrl_c_keeps_the_blocks_that_were_measured(folder, no_slots):
    receipt = session(folder, progress=interrupt_after(1))
    assert receipt.interrupted
    assert not receipt.finished
    assert len(receipt.blocks) == 1
    left_as_it_was(folder)


def test_ctrl_c_while_a_slot_works_ends_it_and_keeps_the_receipt(folder, monkeypatch):
    real = conductor.run_block

    def run_and_interrupt(stage, request):
        # The alarm comes while the slots of the block start.
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
        signal.setitimer(signal.ITIMER_REAL, 0.15)
        return real(stage, request)

    monkeypatch.setattr(conductor, "run_block", run_and_interrupt)
    receipt = session(folder, plan=lambda _discovery: TINY)
    assert receipt.interrupted
    assert receipt.blocks == []
    left_as_it_was(folder)


def test_ctrl_c_during_discovery_keeps_a_receipt_too(folder, no_slots):
    def interrupted(_discovery):
        raise KeyboardInterrupt

    receipt = session(folder, plan=interrupted)
    assert (receipt.interrupted, receipt.blocks) == (True, [])


def test_three_blocks_with_trouble_in_a_row_end_the_session_with_the_reason(folder, no_slots, monkeypatch):
    monkeypatch.setattr(conductor, "run_block", lambda _stage, request: troubled(request))
    receipt = session(folder)
    assert receipt.trouble == ["3 blocks in a row measured nothing: it died"]
    assert [block.trouble for block in receipt.blocks] == ["it died"] * 3
    assert not receipt.finished


def test_a_block_with_trouble_is_kept_and_measured_again(folder, no_slots, monkeypatch):
    made = iter([troubled, planned])
    monkeypatch.setattr(conductor, "run_block", lambda _stage, request: next(made)(request))
    receipt = session(folder, plan=ONE_BLOCK)
    assert [bool(block.trouble) for block in receipt.blocks] == [True, False]
    assert receipt.finished


def test_the_same_seed_plans_the_same_session(folder, no_slots):
    first, second = session(folder), session(folder)
    seeds = [[(block.seed, block.number) for block in receipt.blocks] for receipt in (first, second)]
    assert seeds[0] == seeds[1]
    assert len(seeds[0]) == TINY.screen_blocks


def test_targets_have_one_benchmark_for_each_operation(tmp_path, monkeypatch):
    write(tmp_path, {"mine.py": TARGET})
    monkeypatch.chdir(tmp_path)
    sides = [TargetSide(f"target:{n}", "mine.py:create", {"n": n}, {"NEEDED": "1"}) for n in ("100", "3000")]
    receipt = session(tmp_path, *sides, plan=NO_BLOCKS)
    assert states(receipt) == {"read": State.BOTH, "write it": State.BOTH}
    assert named(receipt, "read").candidate_ns > named(receipt, "read").base_ns
    assert receipt.candidate.label == "3000"


TARGET = """import os
class Target:
    operations = {"read": 1, "write it": 2}
    def __init__(self, n):
        self.n = int(n)
        assert os.environ["NEEDED"]
    def make_event(self, operation, rng):
        return rng.random()
    def call(self, event):
        return sum(range(self.n))
def create(n):
    return Target(n)
"""


@pytest.mark.measures
def test_an_injected_spin_makes_the_candidate_slower_by_its_share(folder, monkeypatch):
    # How well the loop is timed is not at stake: of ten times as long, more than four must be seen.
    monkeypatch.setattr(injection, "_RUNS", 20)
    spin = injection.Injection(injection.ns_per_loop(), spin_share=9.0)
    receipt = session(folder, candidate="git:main", plan=ONE_BLOCK, injection=spin)
    assert receipt.blocks
    for block in receipt.blocks:
        slices = block.slices[WORK]
        assert sum(slices.candidate_ns) > 4 * sum(slices.base_ns)
        control = block.slices[NULL_CONTROL]
        assert sum(control.candidate_ns) < 4 * sum(control.base_ns)


def test_lock_files_that_differ_give_each_side_an_environment_of_its_own(folder, no_slots, monkeypatch):
    made = []

    def make(_supervisor, lock, place, _log):
        made.append((lock.read_text(), place.name))
        return os.environ["PYTHON_OF_SIDE"]

    monkeypatch.setenv("PYTHON_OF_SIDE", __import__("sys").executable)
    monkeypatch.setattr(prepare, "make_environment", make)
    commit(folder, {"lock.txt": "a==1\n"})
    write(folder, {"lock.txt": "# a comment\na==1\n"})
    receipt = session(folder, plan=NO_BLOCKS, policy=Policy(lock="lock.txt"))
    assert (made, receipt.base.environment_lock) == ([], None)
    write(folder, {"lock.txt": "a==2\n"})
    receipt = session(folder, plan=NO_BLOCKS, policy=Policy(lock="lock.txt"))
    assert made == [("a==1\n", "a"), ("a==2\n", "b")]
    assert receipt.base.environment_lock != receipt.candidate.environment_lock


def test_the_label_of_a_side_is_what_people_call_it(folder):
    labels = [side(text, folder).label for text in ("git:main", ".", f"path:{folder}")]
    assert labels == ["main", "the working tree", "project"]
