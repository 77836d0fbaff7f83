"""Small projects under git, and sessions on them that take a second or two."""

import contextlib
import dataclasses
from pathlib import Path

import msgspec

from harness.policy.policy import Policy
from harness.session.conductor import SessionRequest, run_session
from harness.session.receipt import NULL_CONTROL, Benchmark, SessionPlan, State
from harness.session.sides.subjects import TreeSide, parse_tree, working_tree
from harness.session.slots.launch import INI, Bench, Home
from harness.supervise import Supervisor
from tests.support.git import git

SOURCE = """def work():
    return sum(range(200))
"""
SUITE = """import pkg

def test_work(benchmark):
    assert benchmark(pkg.work) == sum(range(200))
"""
TINY = SessionPlan(least_blocks=2, screen_blocks=2, confirm_blocks=2, slices=3, slice_ns=20_000)
ONE_BLOCK = msgspec.structs.replace(TINY, screen_blocks=1)
NO_BLOCKS = msgspec.structs.replace(TINY, least_blocks=0, screen_blocks=0)


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def commit(folder: Path, files: dict[str, str]) -> str:
    write(folder, files)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "state")
    return git(folder, "rev-parse", "HEAD")


def project(folder: Path, files: dict[str, str] | None = None) -> Path:
    """A repository with one commit of a package and its suite."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, {"pkg/__init__.py": SOURCE, "benchmarks/test_bench.py": SUITE} | (files or {}))
    return folder


def bare_bench(folder: Path, suite: str) -> Bench:
    """A suite as a session lays it out, without a project."""
    write(folder, {"test_bench.py": suite, INI: "[pytest]\n"})
    return Bench(folder, folder)


def homes(folder: Path) -> dict[str, Home]:
    """Three sides without any measured package."""
    return {side: Home(side, folder) for side in ("base", "candidate", "null")}


@dataclasses.dataclass
class Judge:
    """Looks that ask for all planned blocks: a screen of everything, and fresh blocks of what a test names.

    Keeps how many blocks were there at the first look of each phase.
    """

    candidate_names: frozenset[str] = frozenset()
    open_names: frozenset[str] = frozenset()
    """Benchmarks that the screen goes on with after its least number of blocks; all of them where none is named."""
    seen: list[tuple[str, int]] = dataclasses.field(default_factory=list)

    def screening(self, receipt):
        self._note("screening", receipt)
        made = sum(not block.trouble for block in receipt.blocks)
        if made >= receipt.plan.screen_blocks:
            return frozenset()
        every = frozenset(name for name, state in states(receipt).items() if state is State.BOTH)
        return self.open_names if self.open_names and made >= receipt.plan.least_blocks else every

    def confirming(self, receipt):
        self._note("confirming", receipt)
        made = sum(block.phase == "confirm" and not block.trouble for block in receipt.blocks)
        return self.candidate_names if made < receipt.plan.confirm_blocks else frozenset()

    def to_confirm(self, receipt):
        return self.candidate_names, min(1, receipt.plan.confirm_blocks)

    def _note(self, look, receipt):
        if look not in dict(self.seen):
            self.seen.append((look, len(receipt.blocks)))


@dataclasses.dataclass
class Follow:
    """A progress that keeps what it hears, and may do something after a block."""

    after_block: object = None
    heard: list[tuple[str, int, int]] = dataclasses.field(default_factory=list)

    def block(self, phase, done, planned, receipt):
        self.heard.append((str(phase), done, planned))
        if self.after_block is not None:
            self.after_block(len(self.heard))


def side(text: str, folder: Path) -> TreeSide:
    return parse_tree(text, folder) or working_tree(folder)


def session(folder: Path, base="git:main", candidate=".", *, plan=TINY, looks=None, progress=None, **request):
    """Run a session of the project in `folder`; return its receipt as it was written last."""
    written = []
    policy = request.pop("policy", Policy())
    sides = [text if not isinstance(text, str) else side(text, folder) for text in (base, candidate)]
    with Supervisor() as supervisor:
        receipt = run_session(
            SessionRequest(*sides, policy, 1, folder.parent / "session.log", **request),
            plan_for=plan if callable(plan) else lambda _discovery: plan,
            looks=looks or Judge(),
            supervisor=supervisor,
            write=lambda receipt: written.append(msgspec.json.encode(receipt)),
            progress=progress or Follow(),
        )
    assert written[-1] == msgspec.json.encode(receipt)
    return receipt


def states(receipt) -> dict[str, State]:
    return {one.name: one.state for one in receipt.benchmarks if one.name != NULL_CONTROL}


def named(receipt, name: str) -> Benchmark:
    return next(one for one in receipt.benchmarks if one.name == name)


@contextlib.contextmanager
def supervised():
    with Supervisor() as supervisor:
        yield supervisor
