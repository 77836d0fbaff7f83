"""A suite of micro-benchmarks: what it holds, which are chosen, and what becomes of each in the child."""

import json
from pathlib import Path

import pytest
import pytest_benchmark.cli

from harness.errors import InvalidRunError, UsageError
from harness.judge.policy_file import read
from harness.micro.choosing import choose
from harness.micro.document import read_benchmarks
from harness.micro.outline import outline
from harness.micro.places import Places
from harness.micro.process import Measured, collect, measure
from harness.micro.suite import Suite
from harness.policy.policy import Policy
from harness.supervise import Supervisor
from harness.work.suites import OWN, find_suite, is_own, suite_text
from tests.support.toy_suite import BAD, BROKEN, GOOD, SLOW, make_project

NAMES = (
    "test_routing.py::test_route[table]",
    "test_routing.py::test_route[patterns]",
    "test_caches.py::test_l1_hits",
)


def suite_of(project):
    return find_suite(project, read(project))


def measured(project, names, variant=""):
    """Measure into `project/out`: what became of it, and what was said to begin."""
    folder = project / "out"
    folder.mkdir()
    result, begun = Measured(), []
    with Supervisor() as supervisor:
        measure(supervisor, suite_of(project), names, variant, folder, result, begun.append)
    return result, begun


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """Everything that a suite can do wrong, measured once."""
    project = make_project(tmp_path_factory.mktemp("toy"), good=GOOD, bad=BAD, broken=BROKEN)
    with Supervisor() as supervisor:
        contents = collect(supervisor, suite_of(project))
    return project, contents, *measured(project, contents.names)


def test_the_benchmarks_of_a_suite_are_found_and_nothing_else(ended):
    _, contents, *_ = ended
    assert contents.names == (
        "test_bad.py::test_wrong",
        "test_bad.py::test_raises",
        "test_bad.py::test_skips",
        "test_bad.py::test_skip_mark",
        "test_bad.py::test_xfails",
        "test_bad.py::test_unused",
        "test_bad.py::test_lacks_a_fixture",
        "test_good.py::test_add[10]",
        "test_good.py::test_add[10000]",
        "test_good.py::TestInClass::test_variant",
    )
    assert list(contents.broken) == ["test_broken.py"]
    assert "no_such_module" in contents.broken["test_broken.py"]


def test_each_benchmark_is_said_to_begin_in_its_turn(ended):
    _, contents, _, begun = ended
    assert tuple(begun) == contents.names


def test_every_benchmark_ends_in_one_way_with_the_reason(ended):
    _, contents, result, _ = ended
    assert result.trouble is None
    ends = {name.rpartition("::")[2]: end for name, end in result.ends.items()}
    assert {name: end.outcome for name, end in ends.items()} == {
        "test_wrong": "failed", "test_raises": "failed", "test_skips": "skipped", "test_skip_mark": "skipped",
        "test_xfails": "xfailed", "test_unused": "passed",
        "test_lacks_a_fixture": "failed", "test_add[10]": "passed", "test_add[10000]": "passed",
        "test_variant": "passed",
    }  # fmt: skip
    assert "what it measured is wrong" in ends["test_wrong"].error
    assert "invalid literal" in ends["test_raises"].error
    assert [ends[name].error for name in ("test_skips", "test_skip_mark", "test_xfails")] == [
        "not on this machine", "later", "a known fault",
    ]  # fmt: skip
    assert "'nothing'" in ends["test_lacks_a_fixture"].error
    assert len(ends) == len(contents.names)


def test_the_times_are_pytest_benchmarks_own_file(ended):
    project, *_ = ended
    found = read_benchmarks(project / "out" / "benchmarks.json")
    one = found["test_good.py::test_add[10000]"]
    assert (one.rounds, one.iterations, one.per_call) == (20, 5, 10_000)
    assert 0 < one.min_ns <= one.q1_ns <= one.median_ns <= one.q3_ns <= one.max_ns
    assert one.median_ns > found["test_good.py::test_add[10]"].median_ns


def test_pytest_benchmarks_own_tools_read_the_file(ended, monkeypatch, capsys):
    project, *_ = ended
    monkeypatch.chdir(project)
    monkeypatch.setattr("sys.argv", ["pytest-benchmark", "compare", str(project / "out" / "benchmarks.json")])
    pytest_benchmark.cli.main()
    assert "test_add[10000]" in capsys.readouterr().out


def test_what_a_benchmark_prints_is_no_message(ended):
    project, *_ = ended
    assert "passed" in (project / "out" / "pytest.log").read_text()


def test_nothing_of_the_callers_pytest_reaches_the_suite(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    monkeypatch.setenv("WANTED", "fast")
    project = make_project(tmp_path, good=GOOD)
    (project / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    result, _ = measured(project, ["test_good.py::TestInClass::test_variant"], "fast")
    assert [end.outcome for end in result.ends.values()] == ["passed"]
    assert result.host.cpu_share is None or 0 <= result.host.cpu_share <= 1.5


def test_a_plugin_and_a_helper_of_the_suites_own_are_found(tmp_path):
    policy = '[tool.harness]\nsuite = "bench"\nplugins = ["supplies"]\n'
    helped = "import helper\n\n\ndef test_it(benchmark, supplied):\n    benchmark.pedantic(helper.f, (supplied,), rounds=9)\n"
    project = make_project(tmp_path, policy, helped=helped)
    (project / "bench" / "helper.py").write_text("def f(x):\n    return x\n")
    (project / "bench" / "supplies.py").write_text(
        "import pytest\n\n\n@pytest.fixture\ndef supplied():\n    return 1\n"
    )
    result, _ = measured(project, ["test_helped.py::test_it"])
    assert [(end.outcome, end.error) for end in result.ends.values()] == [("passed", "")]


STRANGE = """
import decimal, math, pytest

class Wordless:
    def __repr__(self): raise RuntimeError("no text")

LOOP = {"itself": []}
LOOP["itself"].append(LOOP)

@pytest.mark.parametrize("value", [
    math.inf, math.nan, b"bytes", {1, 2}, decimal.Decimal("1.5"), object(), Wordless(), pytest.param(10**5000, id="huge"), "\\ud800",
    LOOP, {("a", 1): [math.nan]}, pytest.param(1, id="\\ud800x"),
])
def test_strange(benchmark, value):
    benchmark.extra_info.update(value=value, per_call=2)
    benchmark.pedantic(int, rounds=9)

@pytest.mark.benchmark(group=object())
def test_says(benchmark):
    benchmark.extra_info = None
    benchmark.pedantic(int, rounds=9)
    raise ValueError("\\ud800")
"""


def test_no_parameter_is_so_strange_that_it_loses_a_run(tmp_path):
    project = make_project(tmp_path, strange=STRANGE)
    with Supervisor() as supervisor:
        names = collect(supervisor, suite_of(project)).names
    result, _ = measured(project, names)
    assert [end.outcome for end in result.ends.values()] == ["passed"] * 12 + ["failed"]
    assert result.ends[names[-1]].error == "ValueError: \\ud800"
    found = read_benchmarks(project / "out" / "benchmarks.json")
    assert (len(names), list(found)) == (13, list(names))
    assert {one.per_call for one in found.values()} == {1, 2}
    stored = json.loads((project / "out" / "benchmarks.json").read_text())["benchmarks"]
    kept = [one["params"]["value"] for one in stored[:9]]
    assert kept[:2] == ["inf", "nan"]
    assert kept[2:5] == ["b'bytes'", "{1, 2}", "1.5"]
    assert kept[5].startswith("<object object at")
    assert kept[6:9] == ["(Wordless without a text)", "(int without a text)", "\\ud800"]
    assert [one["extra_info"]["value"] for one in stored[9:11]] == [{"itself": ["…"]}, {"('a', 1)": ["nan"]}]


def test_a_child_that_dies_leaves_what_was_measured_and_says_where(tmp_path):
    project = make_project(tmp_path, slow=SLOW.format(action="os.kill(os.getpid(), 9)"))
    names = [f"test_slow.py::test_{which}" for which in ("first", "holds", "last")]
    result, begun = measured(project, names)
    assert begun == names[:2]
    assert list(result.ends) == names[:1]
    assert result.trouble.startswith(
        "The measuring process was killed by SIGKILL after 1 of 3 benchmarks, in test_slow.py::test_holds (possibly the "
    )
    assert list(read_benchmarks(project / "out" / "benchmarks.json")) == names[:1]


def test_a_suite_that_pytest_cannot_start_on_is_told_with_its_last_words(tmp_path):
    project = make_project(tmp_path, good=GOOD)
    (project / "bench" / "conftest.py").write_text("import no_such_module\n")
    with Supervisor() as supervisor, pytest.raises(InvalidRunError, match="no_such_module"):
        collect(supervisor, suite_of(project))


def test_a_suite_that_is_not_there_is_a_mistake_of_the_policy(tmp_path):
    with (
        Supervisor() as supervisor,
        pytest.raises(UsageError, match="suite of micro-benchmarks does not exist"),
    ):
        collect(supervisor, Suite(tmp_path, Places(("nowhere",), "nowhere")))


def test_the_outline_of_our_own_suite_names_what_pytest_finds():
    with Supervisor() as supervisor:
        suite = suite_of(OWN.parent.parent)
        contents = collect(supervisor, suite)
    assert is_own(suite)
    assert contents.broken == {}
    listed = outline(suite)
    assert [name for name, _ in listed] == list(
        dict.fromkeys(name.partition("[")[0] for name in contents.names)
    )
    assert all(summary.endswith(".") for _, summary in listed)


def test_the_outline_reads_classes_and_passes_over_what_is_no_python(tmp_path):
    project = make_project(tmp_path, good=GOOD, bad="def (", other="\0")
    assert outline(suite_of(project)) == [
        ("test_good.py::test_add", "Sums so many numbers."),
        ("test_good.py::TestInClass::test_variant", "Prints, and asks for its variant."),
    ]


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ((), NAMES),
        (("routing",), NAMES[:2]),
        (("test_route[table]",), NAMES[:1]),
        (("*l1*",), NAMES[2:]),
        (("l1", "table"), (NAMES[0], NAMES[2])),
        (("*[patterns]",), NAMES[1:2]),
        ((NAMES[1],), NAMES[1:2]),
        (("routing", "route"), NAMES[:2]),
    ],
)
def test_a_word_selects_by_name_part_or_glob_in_the_order_of_the_suite(words, chosen):
    assert choose(NAMES, words, {}) == chosen


@pytest.mark.parametrize(
    ("word", "hint"),
    [("ruoting", "Did you mean routing"), ("l1_hit_s", "hits"), ("zzz", "There are: test_r")],
)
def test_a_word_that_selects_nothing_is_answered_with_the_nearest(word, hint):
    with pytest.raises(UsageError) as caught:
        choose(NAMES, ("routing", word), {})
    assert f"No benchmark matches '{word}'" in str(caught.value)
    assert hint in str(caught.value)


def test_a_word_for_a_file_that_cannot_be_imported_is_told_why():
    with pytest.raises(InvalidRunError, match=r"test_broken\.py cannot be imported: SyntaxError"):
        choose(NAMES, ("broken",), {"test_broken.py": "SyntaxError: no"})


def test_a_project_without_benchmarks_has_no_suite_and_never_that_of_the_harness(tmp_path):
    for policy in (Policy(), Policy(target="mine.py:create")):
        with pytest.raises(UsageError, match="no benchmark suite in the usual folders"):
            find_suite(tmp_path, policy)


def test_a_suite_imports_from_the_source_roots_of_its_project(tmp_path):
    project = make_project(tmp_path, good=GOOD).resolve()
    assert suite_of(project).path == (project / "src", project / "bench")
    assert find_suite(project, Policy(suite="bench")).path == (project / "src", project, project / "bench")
    file = find_suite(project, Policy(suite="bench/test_good.py"))
    assert (file.root, suite_text(file)) == (project / "bench", str(Path("bench/test_good.py")))
