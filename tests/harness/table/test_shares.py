"""A plan is dealt out and put together again without loss, whatever was written into its rows meanwhile."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InvalidRunError
from harness.model import Outcome
from harness.plans.span import Span
from harness.processes.worker_account import Account, merged, merged_facts, merged_host
from harness.run.documents import HostFacts
from harness.run.facts import LoadFacts
from harness.table import calls, shares

SPANS = (
    Span("warm-up", -1.0, 0.0, 5, 5, warmup=True),
    Span("first", 0.0, 1.5, 5, 5),
    Span("last", 1.5, 3.0, 5, 5),
)


@st.composite
def tables(draw, most=40):
    rows = draw(st.integers(0, most))
    table = np.zeros(rows, calls.DTYPE)
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    table["intended_ns"] = np.sort(rng.integers(-(10**9), 3 * 10**9, rows))
    table["operation"] = rng.integers(0, 3, rows)
    table["payload"] = np.arange(rows)
    table["outcome"] = rng.integers(0, len(Outcome), rows)
    for before, after in (
        ("intended_ns", "dispatched_ns"),
        ("dispatched_ns", "entered_ns"),
        ("entered_ns", "completed_ns"),
    ):
        table[after] = table[before] + rng.integers(0, 10**8, rows)
    table["run_ns"] = table["wait_busy_ns"] = -1
    return table


def write_parts(timing, parts):
    for number, part in enumerate(parts):
        folder = timing / shares.name_of(number)
        folder.mkdir(parents=True)
        calls.write_table(folder / shares.CALLS, np.ascontiguousarray(part))


def as_bag(table):
    return sorted(row.tobytes() for row in table)


@given(tables(), st.integers(1, 12))
def test_every_row_of_a_plan_goes_to_exactly_one_worker(table, workers):
    parts = shares.deal(table, workers)
    assert len(parts) == workers
    assert as_bag(table) == as_bag(np.concatenate(parts))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("workers", [1, 2, 11])
def test_the_parts_make_the_whole_again_in_the_order_of_their_intended_starts(tmp_path, workers):
    rng = np.random.default_rng(workers)
    table = np.zeros(1000, calls.DTYPE)
    table["intended_ns"] = np.sort(rng.permutation(10_000)[:1000])
    table["payload"] = np.arange(1000)
    write_parts(tmp_path, shares.deal(table, workers))
    assert np.array_equal(shares.whole_table(tmp_path), table)
    shares.merge_tables(tmp_path)
    assert np.array_equal(calls.load(tmp_path / shares.CALLS), table)
    assert len(np.load(tmp_path / shares.CALLS)) == 1000


def test_workers_without_a_call_make_an_empty_whole(tmp_path):
    write_parts(tmp_path, [np.zeros(0, calls.DTYPE), np.zeros(0, calls.DTYPE)])
    shares.merge_tables(tmp_path)
    assert len(shares.whole_table(tmp_path)) == 0


def test_a_damaged_part_is_named_and_leaves_no_whole(tmp_path):
    write_parts(tmp_path, [np.zeros(3, calls.DTYPE), np.zeros(3, calls.DTYPE)])
    (tmp_path / "worker-1" / shares.CALLS).write_bytes(b"nothing")
    with pytest.raises(InvalidRunError, match="worker-1"):
        shares.merge_tables(tmp_path)
    assert not (tmp_path / shares.CALLS).exists()


@given(st.lists(tables(), min_size=1, max_size=5))
def test_accounts_add_up_bit_for_bit_to_that_of_all_calls_together(parts):
    accounts = [
        Account.unpack(Account.of(f"worker-{i}", part, SPANS, None).pack()) for i, part in enumerate(parts)
    ]
    whole = Account.of("all", np.concatenate(parts), SPANS, None)
    added = merged(accounts)
    assert (added.outcomes, added.counts, added.moments) == (whole.outcomes, whole.counts, whole.moments)
    assert sum(added.outcomes) == sum(int((part["intended_ns"] >= 0).sum()) for part in parts)


def told(name, **facts):
    table = np.zeros(0, calls.DTYPE)
    return Account.of(name, table, SPANS, LoadFacts(origin_ns=7, origin_unix_s=1.0, **facts))


def test_facts_of_the_whole_are_the_sums_or_the_worst_of_the_workers():
    whole = merged_facts(
        [
            told("worker-0", clock_step_s=-0.5, ended_ns=3, recorder_ns_per_call=9.0, split=True, garbage_ns=5,
                 in_flight_peak=2, counters={"call": {"reads": 1}}),
            told("worker-1", clock_step_s=0.1, ended_ns=5, recorder_ns_per_call=4.0, split=False, garbage_ns=6,
                 in_flight_peak=3, counters={"call": {"reads": 2, "hits": 1}}, stopped="the disk was full"),
            Account.of("worker-2", np.zeros(0, calls.DTYPE), SPANS, None),
        ]
    )  # fmt: skip
    assert whole == LoadFacts(
        origin_ns=7, origin_unix_s=1.0, clock_step_s=-0.5, ended_ns=5, recorder_ns_per_call=9.0, split=False,
        garbage_ns=11, in_flight_peak=5, counters={"call": {"reads": 3, "hits": 1}},
        stopped="worker-1: the disk was full",
    )  # fmt: skip


def test_without_any_facts_there_are_none():
    assert merged_facts([Account.of("worker-0", np.zeros(0, calls.DTYPE), SPANS, None)]) is None


def test_the_worst_host_stands_for_all_and_an_unknown_one_is_not_passed_over():
    known, bad = HostFacts(descheduled_share=0.1, cpu_share=0.5), HostFacts(descheduled_share=0.3)
    assert merged_host([known, bad]) == HostFacts(descheduled_share=0.3)
    assert merged_host([known, HostFacts()]) == HostFacts()
