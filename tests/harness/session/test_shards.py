"""A suite is divided by its names alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.session.receipt import NULL_CONTROL, Shard, State
from harness.session.shards import of_suite, only, share_of
from harness.session.slots.discovery import Survey
from tests.support.session import NO_BLOCKS, ONE_BLOCK, project, session, states

NAMES = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=30, unique=True)


@given(NAMES, st.integers(1, 12))
def test_the_shares_are_disjoint_equal_in_size_and_together_the_suite(names, count):
    shares = [share_of(Shard(number=number, count=count, names=names)) for number in range(1, count + 1)]
    assert sum(map(len, shares)) == len(names)
    assert frozenset().union(*shares) == set(names)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@given(NAMES, st.randoms())
def test_a_share_does_not_depend_on_the_order_of_the_suite(names, rng):
    mixed = rng.sample(names, len(names))
    assert share_of(Shard(number=1, count=3, names=names)) == share_of(Shard(number=1, count=3, names=mixed))


def test_the_names_of_a_suite_are_those_of_both_sides_and_of_files_that_cannot_be_imported():
    base = Survey(files={"old.py::a": "old.py", "gone.py::b": "gone.py"}, errors={"new.py": "no module"})
    candidate = Survey(files={"new.py::c": "new.py"}, errors={"old.py": "broken", "none.py": "broken"})
    found = of_suite(Shard(number=1, count=2), base, candidate, ["theirs.py::d"])
    assert found.names == ["gone.py::b", "new.py::c", "none.py", "old.py::a", "theirs.py::d"]


def test_a_listing_keeps_what_explains_its_own_benchmarks():
    base = Survey(files={"x.py::a": "x.py", "y.py::b": "y.py"}, errors={"z.py": "broken"})
    candidate = Survey(
        files={"z.py::c": "z.py", "y.py::b": "y.py"}, errors={"x.py": "broken"}, skipped={"y.py": "?"}
    )
    ours, theirs = only({"z.py::c"}, base, candidate)
    assert (ours.files, ours.errors) == ({}, {"z.py": "broken"})
    assert (theirs.files, theirs.errors, theirs.skipped) == ({"z.py::c": "z.py"}, {}, {})


def test_more_shards_than_benchmarks_are_refused_by_all_of_them():
    with pytest.raises(UsageError, match=r"5 shards cannot divide a suite of 1.*--shard 1/1"):
        of_suite(Shard(number=1, count=5), Survey(files={"a": "a"}), Survey(files={"a": "a"}), [])


SUITE = "import pkg\n\n" + "".join(
    f"def test_{name}(benchmark):\n    benchmark(pkg.work)\n\n" for name in ("one", "two", "three")
)


def test_sessions_of_all_shards_measure_every_benchmark_once(tmp_path):
    folder = project(tmp_path / "project", {"benchmarks/test_bench.py": SUITE})
    receipts = [
        session(folder, plan=plan, shard=Shard(number=number, count=2))
        for number, plan in ((1, NO_BLOCKS), (2, ONE_BLOCK))
    ]
    found = [states(one) for one in receipts]
    assert sorted(name for one in found for name in one) == [
        f"test_bench.py::test_{n}" for n in ("one", "three", "two")
    ]
    assert {state for one in found for state in one.values()} == {State.BOTH}
    assert all(set(one) == share_of(receipt.shard) for one, receipt in zip(found, receipts, strict=True))
    assert receipts[0].shard.names == receipts[1].shard.names
    (block,) = receipts[1].blocks
    assert set(block.slices) - {NULL_CONTROL} == set(found[1])
