"""`harness bisect` from outside: the commit, what was skipped, and what is left behind."""

import contextlib
import functools
import random

import pytest

from harness.bisect import reading, search
from harness.bisect.reading import Changes
from harness.errors import UsageError
from harness.exact.process import ExactPlan
from harness.session.receipt import SessionPlan
from harness.work import probes, sessions
from harness.work.probes import Found, Prober
from tests.support.cli import inside
from tests.support.gate import edit, leftovers, make_shop, without_target
from tests.support.git import git
from tests.support.listing import unwritten

FEW = ExactPlan(requests=5, repetitions=2)
TWICE = ("self._query(event)\n", "self._query(event)\n        self._query(event)\n")


def commits(shop, count, culprit, change, broken=()):
    """Make commits of which one makes a change, and some do not build; return all ids, the first one too."""
    ids = [git(shop, "rev-parse", "HEAD")]
    place = shop / "shop" / "work.py"
    for number in range(1, count + 1):
        place.write_text(place.read_text().replace("raise SystemError\n", "") + f"# change {number}\n")
        if number == culprit:
            edit(shop, *change)
        if number in broken:
            place.write_text(place.read_text() + "raise SystemError\n")
        git(shop, "commit", "-q", "-a", "-m", f"change {number}")
        ids.append(git(shop, "rev-parse", "HEAD"))
    return ids


@pytest.fixture
def shop(tmp_path):
    folder = make_shop(tmp_path / "shop")
    yield folder
    assert leftovers(folder) == []


# Exact counts of one back-end call, which repeat: each step of a search is certain.
STOCK = ("--benchmark", "buy", "--suite", "exact", "--metric", "calls.stock", "--json")


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(sessions, "count_exactly", functools.partial(sessions.count_exactly, plan=FEW))
    monkeypatch.setattr(sessions, "trace_exactly", lambda *_given: [])


def test_counts_name_the_commit_its_functions_and_what_did_not_build_and_leave_the_checkout_alone(shop, few):
    ids = commits(shop, 6, 4, TWICE, broken={2})
    (shop / "shop" / "work.py").write_text("the user is at work here")
    with unwritten(shop / ".git"):
        said = inside(shop, "bisect", ids[0], "HEAD", *STOCK)
    found = said.document
    assert (said.code, found["outcome"], found["commit"]) == (0, "found", ids[4])
    assert (found["effect"], found["probability"]) == (1.0, pytest.approx(1.0))
    assert found["functions"] == ["shop/work.py:Shop.call"]
    assert found["subject"] == "change 4"
    assert {one["commit"] for one in found["skipped"]} <= {ids[2]}
    assert (shop / "shop" / "work.py").read_text() == "the user is at work here"
    assert git(shop, "worktree", "list").count("\n") == 0
    assert f"git show {ids[4][:12]}" in said.stderr


BUILD = """
build = '''sh -c 'cp -r shop "{overlay}" && echo "READY = 1" > "{overlay}/shop/_made.py"' '''
"""


def test_commits_that_need_a_build_are_built(shop, few, tmp_path):
    """The checkout's command builds them all: none of them can be imported as it is."""
    (shop / "shop" / "__init__.py").write_text("from shop._made import READY\n")
    git(shop, "commit", "-q", "-a", "-m", "generated")
    ids = commits(shop, 3, 2, TWICE)
    with (shop / "pyproject.toml").open("a") as file:
        file.write(BUILD)
    said = inside(shop, "bisect", ids[0], "HEAD", *STOCK, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert said.code == 0, said.stderr
    assert (said.document["outcome"], said.document["commit"]) == ("found", ids[2])


def test_ends_without_a_change_are_told_and_nothing_is_searched(shop, few):
    ids = commits(shop, 2, 0, TWICE)
    said = inside(shop, "bisect", ids[0], "HEAD", *STOCK)
    found = said.document
    assert (said.code, found["outcome"], found["commit"], found["at_most"], found["probes"]) == (
        0,
        "no change",
        None,
        0.0,
        0,
    )
    assert "There is no change of buy calls.stock" in said.stderr


class Simulated:
    """Measurements of commits of which one made a change, without a process."""

    def __init__(self, ids, culprit, *, effect=0.05, sd=0.007, broken=(), stop_at=None):
        self.ids, self.culprit, self.effect, self.sd = ids, culprit, effect, sd
        self.broken, self.stop_at, self.rng = broken, stop_at, random.Random(1)
        self.asked = []

    def measure(self, first, last, select, blocks, number):
        self.asked.append(first)
        if self.stop_at == len(self.asked):
            raise KeyboardInterrupt
        place = self.ids.index(first)
        if place in self.broken:
            raise UsageError("it does not build")
        level = self.effect if place < self.culprit else 0.0
        values = tuple(level + self.rng.gauss(0, self.sd) for _ in range(blocks or 12))
        other = tuple(self.rng.gauss(0, self.sd) for _ in range(blocks or 12))
        return Found(
            [Changes("test_b.py::b", "wall", values=other), Changes("test_a.py::a", "wall", values=values)],
            (),
        )


@contextlib.contextmanager
def simulated(*words, **options):
    with pytest.MonkeyPatch.context() as patch:
        made = Simulated(*words, **options)
        patch.setattr(Prober, "measure", made.measure)
        yield made


def bisect(shop, ids, *words):
    return inside(shop, "bisect", ids[0], ids[-1], "--benchmark", "test", "--json", *words)


def test_the_benchmark_that_changed_is_followed_and_the_commit_that_changed_it_is_found(shop):
    ids = commits(shop, 12, 0, TWICE)
    with simulated(ids, 9, broken={4}) as made:
        said = bisect(shop, ids)
    found = said.document
    assert (found["benchmark"], found["commit"]) == ("test_a.py::a", ids[9])
    assert found["low"] < 0.0513 < found["high"]
    assert found["probes"] == len(made.asked) - 1
    assert "the same command" not in said.stderr


def test_an_interrupted_search_is_continued_by_the_same_command_and_by_no_other(shop):
    ids = commits(shop, 12, 0, TWICE)
    with simulated(ids, 7, stop_at=4) as made:
        said = bisect(shop, ids)
    assert (said.code, said.document["outcome"], made.asked[0]) == (130, "interrupted", ids[0])
    (folder,) = (shop / "runs").iterdir()
    with simulated(ids, 7) as other:
        assert bisect(shop, ids[1:]).document["commit"] == ids[7]
    assert other.asked[0] == ids[1]
    with simulated(ids, 7) as again:
        said = bisect(shop, ids)
    assert ids[0] not in again.asked
    assert (said.document["commit"], said.document["dir"]) == (ids[7], f"runs/{folder.name}")
    assert "Continuing" in said.stderr
    with simulated(ids, 7) as anew:
        bisect(shop, ids)
    assert anew.asked[0] == ids[0]
    found = inside(shop, "index", "--json").document["entries"]
    assert {(one["kind"], one["word"]) for one in found} == {("bisect", "finished")}
    assert {tuple(one["figures"][0]) for one in found} == {("found", ids[7][:12])}
    said = inside(shop, "report", folder)
    assert (said.code, "bisect" in said.error) == (5, True)
    inside(shop, "clean", "--older-than", "1ms")
    assert [path.name for path in (shop / "runs").iterdir() if path.is_dir()] == []


def test_a_search_that_is_stopped_before_anything_was_measured_leaves_nothing(shop):
    ids = commits(shop, 3, 0, TWICE)
    with simulated(ids, 2, stop_at=1):
        assert bisect(shop, ids).code == 130
    assert list((shop / "runs").iterdir()) == []
    with simulated(ids, 2, broken={0}):
        assert bisect(shop, ids).code == 2
    assert list((shop / "runs").iterdir()) == []


def test_commits_that_cannot_be_measured_leave_a_range_and_are_all_named(shop):
    ids = commits(shop, 8, 0, TWICE)
    with simulated(ids, 5, broken={4, 5, 6}):
        said = bisect(shop, ids)
    found = said.document
    assert (found["outcome"], found["commit"], found["commits"]) == ("range", None, ids[4:8])
    assert {one["commit"] for one in found["skipped"]} == set(ids[4:7])
    assert f"git log -p '{ids[4][:12]}^..{ids[7][:12]}'" in said.stderr


def test_a_budget_ends_the_search_with_the_range_that_is_left_and_it_can_go_on(shop):
    ids = commits(shop, 8, 0, TWICE)
    with simulated(ids, 5):
        found = bisect(shop, ids, "--budget", "1ms").document
        assert (found["outcome"], len(found["commits"])) == ("range", 8)
        assert "ended before it was certain" in found["notes"][0]
        assert bisect(shop, ids).document["commit"] == ids[5]


def test_one_benchmark_that_is_not_there_and_ends_in_the_wrong_order_are_errors_of_use(shop):
    ids = commits(shop, 1, 0, TWICE)
    said = inside(shop, "bisect", ids[1], ids[0], "--benchmark", "a")
    assert (said.code, "GOOD is the earlier one: harness bisect" in said.error) == (2, True)
    said = inside(shop, "bisect", ids[0], ids[1])
    assert (said.code, "--benchmark" in said.error) == (2, True)


@pytest.mark.measures
def test_times_of_real_sessions_name_the_commit(shop, monkeypatch):
    without_target(shop)
    git(shop, "commit", "-q", "-a", "-m", "without a target")
    ids = commits(shop, 2, 1, ("for i in range(n)", "for i in range(3 * n)"))
    monkeypatch.setattr(probes, "SessionPlan", functools.partial(SessionPlan, slices=5, slice_ns=500_000))
    # Three times as slow is seen in a few blocks; a user's change is not.
    for module, name, value in (
        (reading, "ALPHA", 0.2),
        (reading, "LEAST_ENDS", 5),
        (probes, "LEAST_ENDS", 5),
        (search, "LEAST_BESIDE", 2),
    ):
        monkeypatch.setattr(module, name, value)
    said = inside(shop, "bisect", ids[0], "HEAD", "--benchmark", "total", "--json")
    found = said.document
    assert found["commit"] == ids[1], found
    assert 1.5 < found["effect"] < 2.5
