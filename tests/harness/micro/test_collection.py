"""A suite as another project has it is collected alike by all commands, under the project's own configuration."""

import pytest

from harness.micro.collection import tell_what_aspects_need
from harness.session.slots.slot import ForeignCodeError
from tests.support.cli import inside
from tests.support.suites import a_project, collected_by_bench, surveyed

CONFIGURED = {
    "pyproject.toml": """
        [tool.pytest.ini_options]
        addopts = "-n auto --cov=pkg --strict-markers --strict-config -m 'not benchmark' --benchmark-skip -x --timeout 9"
        pythonpath = ["lib"]
        python_files = ["check_*.py"]
        python_classes = ["Check"]
        filterwarnings = ["error"]
        required_plugins = ["pytest-cov"]
        timeout = 60
        """,
    "conftest.py": """
        import pytest

        def pytest_addoption(parser):
            parser.addoption("--mine", action="store_true")

        @pytest.fixture
        def numbers(request):
            assert not request.config.getoption("--mine")
            return list(range(100))
        """,
    "lib/helper.py": "FACTOR = 3\n",
    "nine.txt": "9",
    "benchmarks/data/seven.txt": "7",
    "benchmarks/bench_other.py": """
        import pkg
        def bench_it(benchmark): benchmark(pkg.work)
        """,
    "benchmarks/check_all.py": """
        from pathlib import Path
        import helper, pkg, pytest

        def test_fixture_of_the_root(benchmark, numbers): assert benchmark(sum, numbers) == 4950

        def test_data(benchmark):
            seven = int((Path(__file__).parent / "data" / "seven.txt").read_text())
            nine = int(Path("nine.txt").read_text())
            assert benchmark(pkg.work, seven + nine + helper.FACTOR)

        class CheckIt:
            def test_in_class(self, benchmark): benchmark(pkg.work)

        @pytest.mark.timeout(5)
        @pytest.mark.benchmark(group="body")
        @pytest.mark.parametrize("count", [1, 2])
        def test_body(count): pkg.work(count)

        @pytest.mark.codspeed_benchmark(max_rounds=3)
        def test_other_mark(): pkg.work()

        def test_other_fixture(codspeed_benchmark): codspeed_benchmark(pkg.work)

        def test_of_something_else(): raise AssertionError
        """,
}
NAMES = {
    "bench_other.py::bench_it",
    "check_all.py::test_fixture_of_the_root",
    "check_all.py::test_data",
    "check_all.py::CheckIt::test_in_class",
    "check_all.py::test_body[1]",
    "check_all.py::test_body[2]",
    "check_all.py::test_other_mark",
    "check_all.py::test_other_fixture",
}


@pytest.fixture(scope="module")
def configured(tmp_path_factory):
    return a_project(tmp_path_factory.mktemp("configured") / "project", CONFIGURED)


def test_every_command_collects_what_plain_pytest_does_and_the_marked_and_bench_files(configured):
    assert collected_by_bench(configured) == NAMES
    found = surveyed(configured)
    assert found.names == NAMES
    assert set(found.outcomes.values()) == {"measured"}


def test_the_body_of_a_marked_test_is_measured_with_its_parameters(tmp_path):
    suite = """
        import pkg, pytest
        pytestmark = pytest.mark.benchmark

        @pytest.mark.parametrize("count", [10, 100_000])
        def test_body(count): pkg.work(count)
        def test_wrong(): assert pkg.work() == 1
        """
    found = surveyed(a_project(tmp_path / "p", {"benchmarks/test_x.py": suite}))
    short, long = (found.survey.ran[f"test_x.py::test_body[{count}]"] for count in (10, 100_000))
    assert long.ns > 10 * short.ns
    assert found.outcomes["test_wrong"].startswith("failed: ")


def test_odd_parameters_and_ids_are_collected_alike(tmp_path):
    suite = """
        import math, pkg, pytest

        @pytest.mark.parametrize("x", [math.inf, math.nan, pytest.param(1, id="a\\nb"), pytest.param(2, id="y" * 4_000)])
        def test_odd(benchmark, x):
            benchmark.extra_info["x"] = x
            assert benchmark.params["x"] is x
            benchmark(pkg.work)
        """
    project = a_project(tmp_path / "p", {"benchmarks/test_x.py": suite})
    found = surveyed(project)
    assert set(found.outcomes.values()) == {"measured"}
    assert found.names == collected_by_bench(project)
    assert len(found.names) == 4


ASV = {
    "asv.conf.json": '{\n  // "benchmark_dir": "nowhere",\n  "benchmark_dir": "asv/suite", // here\n}\n',
    "asv/suite/__init__.py": "",
    "asv/suite/common.py": "from pkg import work\n",
    "asv/suite/sums.py": """
        from .common import work

        def time_plain(): work()

        class Suite:
            params = ([10, 20], ["a", "b"])
            skip_for_params = [(20, "b")]

            def setup_cache(self): return {"made": 1}
            def setup(self, cache, count, word):
                if (count, word) == (20, "a"): raise NotImplementedError("not yet")
                self.items, self.cache = list(range(count)), cache
            def time_sum(self, cache, count, word):
                assert self.cache is cache and len(self.items) == count
                sum(self.items)
            def peakmem_list(self, cache, count, word): list(self.items)
            def track_length(self, cache, count, word): return len(self.items)

        class Once:
            number = 1
            def setup(self): self.left = [1]
            def time_pop(self): self.left.pop()

        def timeraw_import(): return "import json"
        """,
}


def test_benchmarks_of_asv_are_found_and_called_as_asv_calls_them(tmp_path):
    project = a_project(tmp_path / "p", ASV)
    found = surveyed(project)
    assert found.names == collected_by_bench(project)
    each = [f"[{case}]" for case in ("10-'a'", "10-'b'", "20-'a'")]
    assert found.names == {
        "sums.py::time_plain",
        "sums.py::Once.time_pop",
        "sums.py::timeraw_import",
        *(
            f"sums.py::Suite.{kind}{case}"
            for kind in ("time_sum", "peakmem_list", "track_length")
            for case in each
        ),
    }
    assert found.outcomes["time_plain"] == found.outcomes["Once.time_pop"] == "measured"
    assert found.outcomes["Suite.time_sum[10-'b']"] == found.outcomes["timeraw_import"] == "measured"
    assert "NotImplementedError not yet" in found.outcomes["Suite.time_sum[20-'a']"]
    assert found.outcomes["Suite.track_length[10-'a']"].startswith(
        "skipped: a track_ benchmark returns a number"
    )


def test_a_missing_aspectlib_is_named_with_what_to_install():
    class Fixture:
        def weave(self, target):
            raise ImportError((), "of pytest-benchmark")

    tell_what_aspects_need(Fixture)
    for aspect in (Fixture().weave, Fixture().patch):
        with pytest.raises(ImportError, match="need aspectlib: install it"):
            aspect("pkg.work")


def test_a_dry_run_lists_what_a_command_would_measure_and_leaves_nothing(configured):
    for words in (("bench",), ("compare", f"path:{configured}", "path:.", "--suite", "micro")):
        said = inside(configured, *words, "other", "in_class", "--dry-run", "--json")
        assert said.code == 0, said.stderr
        assert set(said.document["benchmarks"]) == {
            name for name in NAMES if "other" in name or "in_class" in name
        }
        assert said.document["seconds"][0] > 0
        assert not (configured / "runs").exists()


def test_a_list_and_globs_name_a_suite_and_names_begin_at_their_common_folder(tmp_path):
    test = "import pkg\ndef test_it(benchmark): benchmark(pkg.work)\n"
    files = dict.fromkeys(
        ("perf/bench_a.py", "tests/x/test_b.py", "tests/x/test_c.py", "tests/test_d.py"), test
    )
    policy = {"pyproject.toml": '[tool.harness]\nsuite = ["perf", "tests/*/test_[bc].py"]\n'}
    project = a_project(tmp_path / "p", files | policy)
    names = {f"{file}::test_it" for file in ("perf/bench_a.py", "tests/x/test_b.py", "tests/x/test_c.py")}
    assert collected_by_bench(project) == names
    assert surveyed(project, is_run=False).names == names


@pytest.mark.parametrize(
    "place", ["tests/unit/test_speed.py", "tests/perf/test_a.py", "bench/bench_a.py", "test_speed.py"]
)
def test_a_project_that_configures_nothing_gets_its_own_benchmarks(tmp_path, place):
    suite = "import pkg\ndef test_it(benchmark): benchmark(pkg.work)\ndef bench_it(benchmark): benchmark(pkg.work)\n"
    project = a_project(tmp_path / "p", {place: suite, "tests/test_plain.py": "def test_plain(): pass\n"})
    names = {f"{place.rpartition('/')[2]}::{name}" for name in ("test_it", "bench_it")}
    assert collected_by_bench(project) == surveyed(project, is_run=False).names == names


def test_a_benchmark_that_the_policy_skips_costs_no_time_and_stays_known_to_it(tmp_path):
    suite = """
        import os, pkg
        def test_kept(benchmark): benchmark(pkg.work)
        def test_left(benchmark): os._exit(3)
        """
    policy = '[[tool.harness.benchmarks]]\nmatch = "*test_left"\nskip = "ends the process"\n'
    project = a_project(tmp_path / "p", {"benchmarks/test_x.py": suite, "pyproject.toml": policy})
    said = inside(project, "compare", "path:.", "path:.", "--suite", "micro", "--dry-run", "--json")
    assert said.code == 0, said.stderr
    assert said.document["benchmarks"] == ["test_x.py::test_kept"]
    assert said.document["aside"] == {"test_x.py::test_left": "skipped: ends the process"}


def test_code_of_the_project_beside_its_roots_is_each_sides_own(tmp_path):
    """A helper that no source root covers differs between the sides: each slot imports its own."""
    suite = "import helper, pkg\ndef test_it(benchmark): assert benchmark(pkg.work, helper.SIZE)\n"
    config = '[tool.pytest.ini_options]\npythonpath = ["lib"]\n[tool.harness]\nsource-roots = ["src/pkg"]\n'
    base, candidate = (
        a_project(
            tmp_path / name,
            {"benchmarks/test_x.py": suite, "pyproject.toml": config, "lib/helper.py": f"SIZE = {size}\n"},
        )
        for name, size in (("base", 100_000), ("candidate", 100))
    )
    said = surveyed(candidate, base)
    mine, other = (
        said.survey.ran["test_x.py::test_it"],
        surveyed(base, candidate).survey.ran["test_x.py::test_it"],
    )
    assert other.ns > 10 * mine.ns


@pytest.mark.parametrize("module", ["pkg", "helper"])
def test_a_conftest_that_imports_from_elsewhere_is_refused(tmp_path, module):
    """It leads both sides to the files of one checkout; through the project's own folders each gets its own."""
    suite = "import helper, pkg\ndef test_it(benchmark): benchmark(pkg.work)\n"
    config = '[tool.pytest.ini_options]\npythonpath = ["lib"]\n'
    files = {"benchmarks/test_x.py": suite, "lib/helper.py": "", "pyproject.toml": config}
    own = "import sys\nfrom pathlib import Path\nsys.path[:0] = [str(Path(__file__).resolve().parent / 'src')]\nimport pkg\n"
    candidate = a_project(tmp_path / "candidate", files | {"conftest.py": own})
    base = a_project(tmp_path / "base", files)
    assert surveyed(candidate, base).outcomes == {"test_it": "measured"}
    place = base / "src" / "pkg" / "__init__.py" if module == "pkg" else base / "lib" / "helper.py"
    (candidate / "conftest.py").write_text(
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location({module!r}, {str(place)!r})\n"
        f"sys.modules[{module!r}] = made = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(made)\n"
    )
    with pytest.raises(ForeignCodeError, match=f"{module}.*from outside its tree"):
        surveyed(candidate, base)


def test_functions_of_pyperfs_scripts_are_measured_whether_pyperf_is_installed_or_not(tmp_path):
    script = """
        import pyperf
        from pkg import work

        async def later(count): return work(count)

        def main():
            runner = pyperf.Runner()
            runner.argparser.add_argument("--size", type=int, default=10)
            args = runner.parse_args()
            runner.bench_func("sum of some", work, args.size)
            runner.bench_async_func("later", later, 10)
            runner.timeit("by itself", "1 + 1")

        if __name__ == "__main__":
            main()
        """
    project = a_project(tmp_path / "p", {"benchmarks/sums.py": script})
    found = surveyed(project)
    assert found.names == collected_by_bench(project)
    assert found.outcomes.pop("by itself").startswith("skipped: pyperf's timeit times in its own way")
    assert found.outcomes["sum of some"] == found.outcomes["later"] == "measured"
    assert len(found.names) == 3
