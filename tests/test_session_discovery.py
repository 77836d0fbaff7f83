"""What each side can run, found before anything is measured."""

import pytest

from harness.errors import UsageError
from harness.session import discovery
from harness.session.block import Stage
from harness.session.discovery import Ran, Survey, merge, require_some, survey
from harness.session.launch import Limits
from harness.session.receipt import State
from tests.session_support import bare_bench, homes, supervised

OK = Ran(100.0, 100.0, 0.1)
FAILED = Ran(outcome="failed", why="ValueError: no")
SKIPPED = Ran(outcome="skipped", why="Skipped: not here")


def one(ran, name="t.py::x"):
    return Survey({name: "t.py"}, {}, {name: ran})


@pytest.mark.parametrize(
    ("base", "candidate", "state", "note"),
    [
        (OK, OK, State.BOTH, ""),
        (FAILED, OK, State.NEW, "on the base: ValueError: no"),
        (SKIPPED, OK, State.NEW, "on the base: Skipped: not here"),
        (OK, FAILED, State.BROKEN, "ValueError: no"),
        (OK, SKIPPED, State.BROKEN, "Skipped: not here"),  # a skip must not hide what was measured before
        (FAILED, FAILED, State.BROKEN, "on both sides: ValueError: no"),
        (SKIPPED, FAILED, State.BROKEN, "on both sides: ValueError: no"),
    ],
)
def test_the_state_follows_from_what_each_side_could_run(base, candidate, state, note):
    found, notes = merge(one(base), one(candidate), frozenset())
    assert [(each.state, each.note) for each in found] == [(state, note)]
    assert notes == []


def test_what_neither_side_measures_is_said_and_is_no_benchmark():
    assert merge(one(SKIPPED), one(SKIPPED), frozenset()) == ([], ["t.py::x: Skipped: not here"])


def test_a_file_that_the_base_cannot_import_makes_its_benchmarks_new():
    base = Survey({}, {"t.py": "ImportError: no name 'fresh'"}, {})
    found, _ = merge(base, one(OK), frozenset())
    assert [(each.name, each.state, each.note) for each in found] == [
        ("t.py::x", State.NEW, "on the base: ImportError: no name 'fresh'")
    ]


def test_a_file_that_the_candidate_cannot_import_breaks_each_of_its_benchmarks():
    candidate = Survey({}, {"t.py": "SyntaxError: bad"}, {})
    found, _ = merge(one(OK), candidate, frozenset())
    assert [(each.name, each.state, each.note) for each in found] == [
        ("t.py::x", State.BROKEN, "SyntaxError: bad")
    ]


def test_a_file_that_neither_side_can_import_is_broken_by_its_own_name():
    broken = Survey({}, {"t.py": "SyntaxError: bad"}, {})
    found, _ = merge(broken, broken, frozenset())
    assert [(each.name, each.state) for each in found] == [("t.py", State.BROKEN)]


def test_what_only_the_bases_own_suite_has_was_removed():
    found, _ = merge(one(OK), one(OK), frozenset({"t.py::x", "t.py::gone"}))
    assert [(each.name, each.state) for each in found] == [
        ("t.py::x", State.BOTH),
        ("t.py::gone", State.REMOVED),
    ]


def test_no_benchmark_at_all_is_an_error_that_says_why(tmp_path):
    with pytest.raises(UsageError, match="no test takes the fixture"):
        require_some([], Survey(), Survey(), tmp_path)
    with pytest.raises(UsageError, match="No module named pytest"):
        require_some([], Survey(), Survey(trouble="No module named pytest"), tmp_path)


SUITE = """import os, pytest, time
def test_plain(): pass
def test_first(benchmark): assert benchmark(sum, [1]) == 1
def test_dies(benchmark): os._exit(3)
def test_fails(benchmark): raise ValueError("in vain")
def test_fails_after(benchmark): assert benchmark(int) == 1
def test_skips(benchmark): pytest.skip("no reason")
def test_never(benchmark): pass
def test_twice(benchmark): benchmark(int); benchmark(int)
def test_dies_while_measured(benchmark):
    calls = iter(range(3))
    benchmark(lambda: next(calls, None) is None and os._exit(4))
def test_hangs(benchmark): time.sleep(60)
@benchmark_of_class
class TestIt:
    def test_inner(self, benchmark, tmp_path): benchmark.pedantic(sum, setup=lambda: (([2],), {}), rounds=9)
""".replace("@benchmark_of_class\n", "")


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("survey")
    with supervised() as supervisor:
        stage = Stage(
            supervisor,
            bare_bench(folder / "bench", SUITE),
            homes(folder),
            {},
            folder / "log",
            Limits(ready_s=3.0),
        )
        yield survey(stage, "base"), discovery.suite_names(stage, "base")


def test_only_tests_that_take_the_fixture_are_benchmarks(surveyed):
    found, names = surveyed
    assert "test_bench.py::test_plain" not in found.files
    assert names == found.files.keys() == found.ran.keys()


@pytest.mark.parametrize(
    ("name", "outcome", "why"),
    [
        ("test_fails", "failed", "ValueError: in vain"),
        ("test_fails_after", "failed", "AssertionError"),
        ("test_skips", "skipped", "Skipped: no reason"),
        ("test_never", "passed", "it did not call benchmark"),
        ("test_twice", "failed", "twice"),
        ("test_dies", "failed", "exit code 3 while setting up test_bench.py::test_dies"),
        ("test_dies_while_measured", "failed", "exit code 4"),
        ("test_hangs", "failed", "did not answer within 3 s"),
    ],
)
def test_a_benchmark_that_cannot_be_measured_is_named_with_its_reason(surveyed, name, outcome, why):
    ran = surveyed[0].ran[f"test_bench.py::{name}"]
    assert (ran.ns, ran.outcome) == (None, outcome)
    assert why in ran.why


@pytest.mark.parametrize("name", ["test_first", "TestIt::test_inner"])
def test_the_others_are_measured_whatever_ends_their_neighbours(surveyed, name):
    ran = surveyed[0].ran[f"test_bench.py::{name}"]
    assert ran.ns > 0
    assert ran.whole_ns > 0


def test_a_suite_whose_conftest_fails_is_trouble_with_its_reason(tmp_path):
    with supervised() as supervisor:
        bench = bare_bench(tmp_path / "bench", SUITE)
        (bench.folder / "conftest.py").write_text("import there_is_no_such_module\n")
        found = survey(Stage(supervisor, bench, homes(tmp_path), {}, tmp_path / "log"), "candidate")
    assert "there_is_no_such_module" in found.trouble
    assert found.files == {}
