"""The fixture of a slot is pytest-benchmark's own: only its timing is replaced."""

import pytest

from tests.support.suites import a_project, surveyed

SUITE = """
    import pkg, pytest
    from pytest_benchmark.fixture import BenchmarkFixture, FixtureAlreadyUsed

    MADE = []

    def test_isinstance(benchmark):
        assert isinstance(benchmark, BenchmarkFixture) and benchmark.enabled
        benchmark(pkg.work)

    def test_stats(benchmark):
        benchmark(pkg.work)
        assert 0 < benchmark.stats.stats.min <= benchmark.stats["mean"] < 1

    def test_weave(benchmark):
        benchmark.weave(pkg.work)
        pkg.work()

    def test_patch(benchmark):
        benchmark.patch("pkg.work")
        pkg.work()

    def test_once(benchmark):
        def once():
            assert not MADE
            MADE.append(1)
            return pkg.work()
        assert benchmark.pedantic(once, rounds=1) == 4950
        assert MADE and benchmark.stats["rounds"] == 1

    def test_once_after_warm_up(benchmark):
        made = []
        benchmark.pedantic(made.append, (1,), warmup_rounds=2)
        assert len(made) == 3

    def test_falsy_setup(benchmark): benchmark.pedantic(pkg.work, (10,), setup=lambda: False, rounds=5)
    def test_arguments_twice(benchmark): benchmark.pedantic(pkg.work, (10,), setup=lambda: ((1,), {}), rounds=5)
    def test_no_rounds(benchmark): benchmark.pedantic(pkg.work, rounds=0)

    def test_twice(benchmark):
        benchmark(pkg.work)
        benchmark(pkg.work)

    @pytest.fixture
    def mine(benchmark): return lambda function: benchmark(function)
    def test_through_a_fixture(mine): mine(pkg.work)
    """


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return surveyed(a_project(tmp_path_factory.mktemp("own") / "p", {"benchmarks/test_x.py": SUITE}))


@pytest.mark.parametrize(
    "name",
    [
        "test_isinstance", "test_stats", "test_weave", "test_patch", "test_once", "test_once_after_warm_up",
        "test_falsy_setup", "test_through_a_fixture",
    ],
)  # fmt: skip
def test_what_pytest_benchmark_offers_works_in_a_slot(found, name):
    assert found.outcomes[name] == "measured"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("test_arguments_twice", "Can't use `args` or `kwargs` if `setup` returns the arguments"),
        ("test_no_rounds", "Must have positive int for `rounds`"),
        ("test_twice", "Fixture can only be used once"),
    ],
)
def test_what_pytest_benchmark_refuses_is_refused_in_its_words(found, name, why):
    assert why in found.outcomes[name]


def test_one_round_is_one_call_and_other_benchmarks_have_no_limit(found):
    limits = {name.rpartition("::")[2]: ran.most_calls for name, ran in found.survey.ran.items()}
    assert (limits["test_once"], limits["test_once_after_warm_up"], limits["test_falsy_setup"]) == (1, 1, 0)
