"""What each side can run, found before anything is measured."""

from pathlib import Path

import pytest

from harness.errors import InvalidRunError, UsageError
from harness.session.receipt import State
from harness.session.slots import discovery
from harness.session.slots.block import Stage
from harness.session.slots.discovery import Ran, Survey, merge, require_some, survey
from harness.session.slots.launch import Bench, Limits
from tests.support.session import bare_bench, homes, supervised

OK = Ran(100.0, 100.0, 0.1)
FAILED = Ran(outcome="failed", why="ValueError: no")
SKIPPED = Ran(outcome="skipped", why="not here")
XFAILED = Ran(outcome="xfailed", why="known")
UNUSED = Ran(outcome="passed", why="it did not call benchmark")
NOWHERE = Bench(Path("/no/such/folder"), Path("/no/such/folder"))
"""Files that cannot be read: each may hold a benchmark."""


def one(ran, name="t.py::x"):
    return Survey({name: "t.py"}, {}, {name: ran})


@pytest.mark.parametrize(
    ("base", "candidate", "state", "note"),
    [
        (OK, OK, State.BOTH, ""),
        (FAILED, OK, State.NEW, "on the base it fails: ValueError: no"),
        (SKIPPED, OK, State.NEW, "on the base it is skipped: not here"),
        (XFAILED, OK, State.NEW, "on the base it fails as expected (xfail): known"),
        (OK, FAILED, State.BROKEN, "ValueError: no"),
        (OK, SKIPPED, State.REMOVED, "on the candidate it is skipped: not here"),
        (OK, XFAILED, State.REMOVED, "on the candidate it fails as expected (xfail): known"),
        (OK, UNUSED, State.BROKEN, "it did not call benchmark"),  # nothing asks for it to be left out
        (FAILED, FAILED, State.BROKEN, "on both sides: ValueError: no"),
        (SKIPPED, FAILED, State.BROKEN, "ValueError: no"),
    ],
)
def test_the_state_follows_from_what_each_side_could_run(base, candidate, state, note):
    found, notes = merge(one(base), one(candidate), frozenset(), NOWHERE)
    assert [(each.state, each.note) for each in found] == [(state, note)]
    assert notes == []


@pytest.mark.parametrize(
    ("base", "candidate", "note"),
    [
        (SKIPPED, SKIPPED, "t.py::x is skipped: not here"),
        (XFAILED, XFAILED, "t.py::x fails as expected (xfail): known"),
        (FAILED, SKIPPED, "t.py::x is skipped: not here"),
    ],
)
def test_what_neither_side_measures_is_said_and_is_no_benchmark(base, candidate, note):
    assert merge(one(base), one(candidate), frozenset(), NOWHERE) == ([], [note])


def test_a_file_that_skips_itself_is_said_and_its_benchmarks_of_one_side_are_not_judged():
    skips = Survey(skipped={"t.py": "no numpy"})
    assert merge(skips, skips, frozenset(), NOWHERE) == ([], ["t.py skips itself: no numpy"])
    found, _ = merge(one(OK), skips, frozenset(), NOWHERE)
    assert [(each.state, each.note) for each in found] == [
        (State.REMOVED, "on the candidate it is skipped: no numpy")
    ]
    found, _ = merge(skips, skips, frozenset({"t.py::x"}), NOWHERE)
    assert [(each.state, each.note) for each in found] == [
        (State.REMOVED, "the candidate's t.py skips itself: no numpy")
    ]


ORDINARY = "import gone\n\ndef test_it():\n    from benchmarks import helper\n"


@pytest.mark.parametrize(
    ("text", "base_names", "is_broken"),
    [
        (ORDINARY, frozenset(), False),
        (ORDINARY, frozenset({"t.py::x"}), True),  # the base found a benchmark in it, by a fixture of its own
        (ORDINARY + "def test_more(benchmark): benchmark(int)\n", frozenset(), True),
        (None, frozenset(), True),
    ],
)
def test_a_file_that_cannot_be_imported_is_a_fault_only_if_it_holds_a_benchmark(
    tmp_path, text, base_names, is_broken
):
    if text is not None:
        (tmp_path / "t.py").write_text(text)
    survey = Survey(errors={"t.py": "ModuleNotFoundError: gone"})
    found, notes = merge(survey, survey, base_names, Bench(tmp_path, tmp_path))
    assert [(each.name, each.state) for each in found][:1] == ([("t.py", State.BROKEN)] if is_broken else [])
    assert notes == (
        [] if is_broken else ["t.py cannot be imported and names no benchmark: ModuleNotFoundError: gone"]
    )


def test_a_file_that_the_base_cannot_import_makes_its_benchmarks_new():
    base = Survey({}, {"t.py": "ImportError: no name 'fresh'"}, {})
    found, _ = merge(base, one(OK), frozenset(), NOWHERE)
    assert [(each.name, each.state, each.note) for each in found] == [
        ("t.py::x", State.NEW, "on the base it fails: ImportError: no name 'fresh'")
    ]


def test_a_file_that_the_candidate_cannot_import_breaks_each_of_its_benchmarks():
    candidate = Survey({}, {"t.py": "SyntaxError: bad"}, {})
    found, _ = merge(one(OK), candidate, frozenset(), NOWHERE)
    assert [(each.name, each.state, each.note) for each in found] == [
        ("t.py::x", State.BROKEN, "SyntaxError: bad")
    ]


def test_a_file_that_neither_side_can_import_is_broken_by_its_own_name():
    broken = Survey({}, {"t.py": "SyntaxError: bad"}, {})
    found, _ = merge(broken, broken, frozenset(), NOWHERE)
    assert [(each.name, each.state) for each in found] == [("t.py", State.BROKEN)]


def test_what_only_the_bases_own_suite_has_was_removed():
    found, _ = merge(one(OK), one(OK), frozenset({"t.py::x", "t.py::gone"}), NOWHERE)
    assert [(each.name, each.state) for each in found] == [
        ("t.py::x", State.BOTH),
        ("t.py::gone", State.REMOVED),
    ]


def test_no_benchmark_at_all_is_an_error_that_says_why(tmp_path):
    with pytest.raises(UsageError, match="no test takes the fixture"):
        require_some([], [], Survey(), Survey(), tmp_path)
    with pytest.raises(UsageError, match="No module named pytest"):
        require_some([], [], Survey(), Survey(trouble="No module named pytest"), tmp_path)
    with pytest.raises(InvalidRunError, match=r"t\.py::x is skipped: later \(and 1 more like it\)"):
        require_some(
            [], ["t.py::x is skipped: later", "t.py::y is skipped: later"], Survey(), Survey(), tmp_path
        )


SUITE = """import os, pytest, time
def test_plain(): pass
def test_first(benchmark): assert benchmark(sum, [1]) == 1
def test_dies(benchmark): os._exit(3)
def test_fails(benchmark): raise ValueError("in vain \\ud800")
def test_fails_after(benchmark): assert benchmark(int) == 1
def test_skips(benchmark): pytest.skip("not here")
@pytest.mark.skip(reason="marked")
def test_skip_mark(benchmark): benchmark(int)
@pytest.mark.skipif(True, reason="asked")
def test_skipif(benchmark): benchmark(int)
@pytest.mark.xfail(reason="known")
def test_xfail_measured(benchmark): assert benchmark(int) == 1
@pytest.mark.xfail(strict=True, reason="strictly")
def test_xfail_strict(benchmark): raise ValueError("in vain")
@pytest.mark.xfail(run=False, reason="never")
def test_xfail_norun(benchmark): raise SystemExit
@pytest.mark.xfail(strict=True, reason="passes")
def test_xpass_strict(benchmark): benchmark(int)
@pytest.mark.xfail(reason="passes")
def test_xpass(benchmark): benchmark(int)
def test_skips_and_breaks(benchmark, request):
    request.addfinalizer(lambda: 1 / 0)
    pytest.skip("and its teardown fails")
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
        (stage.bench.folder / "test_numpy.py").write_text(
            "import pytest\npytest.importorskip('no_numpy')\ndef test_np(benchmark): benchmark(int)\n"
        )
        yield survey(stage, "base"), discovery.listing(stage, "base")


def test_only_tests_that_take_the_fixture_are_benchmarks(surveyed):
    found, listed = surveyed
    assert "test_bench.py::test_plain" not in found.files
    assert listed.files.keys() == found.files.keys() == found.ran.keys()


def test_a_file_that_skips_itself_is_kept_with_its_reason(surveyed):
    assert [name for name, why in surveyed[0].skipped.items() if "'no_numpy'" in why] == ["test_numpy.py"]


@pytest.mark.parametrize(
    ("name", "outcome", "why"),
    [
        ("test_fails", "failed", "ValueError: in vain"),
        ("test_fails_after", "failed", "AssertionError"),
        ("test_skips", "skipped", "not here"),
        ("test_skip_mark", "skipped", "marked"),
        ("test_skipif", "skipped", "asked"),
        ("test_xfail_measured", "xfailed", "known"),
        ("test_xfail_strict", "xfailed", "strictly"),
        ("test_xfail_norun", "xfailed", "never"),
        ("test_xpass_strict", "failed", "XPASS(strict)"),
        ("test_skips_and_breaks", "failed", "ZeroDivisionError"),
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


@pytest.mark.parametrize("name", ["test_first", "TestIt::test_inner", "test_xpass"])
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
