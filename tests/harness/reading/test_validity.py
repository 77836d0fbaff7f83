"""Validity: each reason on a table made by hand, and the same table without it."""

import dataclasses

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from harness.model import Engine, Outcome
from harness.policy.thresholds import Level, Threshold, Thresholds
from harness.run.documents import BackendFacts, HostFacts, LocustFacts
from harness.table import calls
from tests.support.validity import CALLS, EVERY, MS, SERVICE_NS, a_run, late, rows
from tests.support.validity import validity_of as judge


def test_a_run_without_fault_is_valid():
    validity = judge(a_run())
    assert (validity.level, validity.reasons) == (Level.VALID, ())


def test_trouble_invalidates_with_its_own_sentence():
    validity = judge(a_run(trouble=("The measured process was killed by SIGKILL",)))
    assert (validity.level, validity.reasons) == (
        Level.INVALID,
        ("The measured process was killed by SIGKILL",),
    )


def test_an_interrupted_run_is_degraded_and_not_blamed_for_what_it_never_started():
    table = rows()
    table["outcome"][CALLS // 2 :] = Outcome.NEVER_STARTED
    validity = judge(a_run(table, interrupted=True))
    assert validity.level is Level.DEGRADED
    assert validity.reasons == ("The run was interrupted: it covers only its first part",)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMED_OUT, Outcome.UNFINISHED, Outcome.DROPPED])
def test_a_run_without_a_completed_call_is_invalid(outcome):
    table = rows()
    table["outcome"] = outcome
    assert "No call completed" in judge(a_run(table)).reasons
    table["outcome"][0] = Outcome.COMPLETED
    assert judge(a_run(table)).level is not Level.INVALID


@pytest.mark.parametrize(("failed", "level"), [(CALLS // 2, Level.VALID), (CALLS // 2 + 1, Level.DEGRADED)])
def test_times_that_are_mainly_those_of_failures_degrade(failed, level):
    table = rows()
    table["outcome"][:failed] = Outcome.FAILED
    validity = judge(a_run(table))
    assert validity.level is level
    assert any(one.startswith("Most calls failed (50") for one in validity.reasons) == (
        level is Level.DEGRADED
    )


def test_an_empty_run_is_invalid():
    assert "No call completed" in judge(a_run(rows(0))).reasons
    assert judge(a_run(rows(0))).level is Level.INVALID


def test_an_outcome_that_does_not_exist_breaks_the_sum():
    table = rows()
    table["outcome"][:3] = 9
    assert (
        f"The outcomes sum to {CALLS - 3}, not to the {CALLS} calls of the plan"
        in judge(a_run(table)).reasons
    )


@pytest.mark.parametrize("count", [CALLS - 1, CALLS + 1])
def test_an_open_run_holds_exactly_its_plan(count):
    validity = judge(a_run(rows(count)))
    assert validity.reasons == (f"The table holds {count} calls, the plan {CALLS}",)
    assert validity.level is Level.INVALID


def test_a_closed_run_holds_what_its_users_did():
    assert judge(a_run(rows(123), executor="closed")).level is Level.VALID


@pytest.mark.parametrize(
    ("column", "before"),
    [("dispatched_ns", "intended_ns"), ("entered_ns", "dispatched_ns"), ("completed_ns", "entered_ns")],
)
def test_stamps_in_the_wrong_order_are_invalid(column, before):
    table = rows()
    table[column][7:9] = table[before][7:9] - 1
    table["run_ns"] = table["wait_busy_ns"] = -1
    validity = judge(a_run(table))
    assert validity.level is Level.INVALID
    assert "2 calls have stamps that contradict one another" in validity.reasons


def test_more_running_than_service_is_a_contradiction():
    table = rows()
    table["wait_busy_ns"][0] = 10_000
    assert judge(a_run(table)).level is Level.VALID
    table["wait_busy_ns"][0] = 10_001
    assert judge(a_run(table)).reasons == ("1 calls have stamps that contradict one another",)
    table["run_ns"][0], table["wait_busy_ns"][0] = -1, 3 * SERVICE_NS
    assert judge(a_run(table)).level is Level.VALID


@pytest.mark.parametrize("outcome", [Outcome.UNFINISHED, Outcome.DROPPED])
def test_stamps_that_were_never_made_contradict_nothing(outcome):
    table = rows()
    table["outcome"][5] = outcome
    table["entered_ns"][5] = table["completed_ns"][5] = 0
    assert judge(a_run(table)).level is Level.VALID


@pytest.mark.parametrize(
    ("step_s", "level"), [(0.009, "valid"), (0.011, "invalid"), (-0.011, "invalid"), (-60, "invalid")]
)
def test_a_stepped_clock_is_invalid(step_s, level):
    facts = msgspec.structs.replace(a_run().facts, clock_step_s=step_s)
    assert judge(a_run(facts=facts)).level == level


@pytest.mark.parametrize(
    ("lag_ms", "response_ms", "level"),
    [
        (0.4, 2.0, "valid"),  # a fifth of the response, but only 0.4 ms
        (0.6, 100.0, "valid"),  # 0.6 ms, but of 100
        (0.6, 5.0, "degraded"),
        (1.5, 2.0, "degraded"),  # most of the response, but under 2 ms
        (1.9, 10.0, "degraded"),
        (3.0, 100.0, "invalid"),  # not as lag, but every call started over 2 ms late
        (3.0, 5.0, "invalid"),
    ],
)
def test_lag_of_the_harness_counts_by_its_share_and_its_size(lag_ms, response_ms, level):
    assert judge(a_run(late(lag_ms, response_ms=response_ms), warmup=rows(0))).level == level


@pytest.mark.parametrize("column", ["lag_target_ns", "lag_host_ns"])
def test_lag_with_another_owner_does_not_speak_against_the_run(column):
    assert judge(a_run(late(4.0, column=column), warmup=rows(0))).level is Level.VALID


def test_lag_at_p99_is_named_with_its_owner():
    (reason, *_) = judge(a_run(late(1.0))).reasons
    assert reason.startswith("Calls started late, held up by the harness itself: 1 ms at p99")
    assert reason.endswith("against a median response of 5 ms")


def test_lag_of_fewer_than_one_call_in_a_hundred_is_not_p99():
    assert judge(a_run(late(1.9, share=0.009))).level is Level.VALID
    assert judge(a_run(late(1.9, share=0.011))).level is Level.DEGRADED


def test_without_the_split_lag_has_no_owner_and_only_degrades():
    facts = msgspec.structs.replace(a_run().facts, split=False)
    # In the closed model nothing else judges it.
    validity = judge(a_run(late(4.0), facts=facts, executor="closed"))
    assert validity.level is Level.DEGRADED
    assert "held up by no one known (the split was off)" in validity.reasons[0]


@pytest.mark.parametrize(
    ("count", "level"), [(2, "valid"), (3, "degraded"), (20, "degraded"), (21, "invalid")]
)
def test_arrivals_that_the_driver_started_late_count_by_their_share(count, level):
    # 2 of 2,000 is the limit of 0.1 %, 20 that of 1 %.
    assert judge(a_run(late(4.0, share=count / CALLS, response_ms=1000.0))).level == level


@pytest.mark.parametrize(("count", "level"), [(2, "valid"), (3, "degraded"), (21, "invalid")])
def test_arrivals_that_the_driver_never_started_count_by_their_share(count, level):
    table = rows()
    table["outcome"][CALLS - count :] = Outcome.NEVER_STARTED
    assert judge(a_run(table)).level == level


def test_arrivals_that_never_started_because_the_target_held_the_loop_are_a_finding_not_a_fault():
    table = late(4.0, response_ms=1000.0, column="lag_target_ns")
    table["outcome"][CALLS // 2 :] = Outcome.NEVER_STARTED
    assert judge(a_run(table)).level is Level.VALID


def test_where_nothing_started_the_driver_is_to_blame():
    table = rows()
    table["outcome"] = Outcome.NEVER_STARTED
    assert any("or never" in reason for reason in judge(a_run(table)).reasons)


def test_a_lump_of_the_driver_s_in_a_long_backlog_is_in_every_lag_and_makes_nobody_late():
    table = late(404.0, response_ms=500.0)
    table["lag_target_ns"] = 400 * MS
    assert not reasons_of(table, "The load generator could not keep up")
    # Now a part of each lag that counts.
    table["lag_target_ns"] = 300 * MS
    assert reasons_of(table, "The load generator could not keep up: it started 100 %")


def reasons_of(table, beginning):
    return [reason for reason in judge(a_run(table)).reasons if reason.startswith(beginning)]


def test_a_closed_run_has_no_arrivals_to_miss():
    assert judge(a_run(late(4.0, response_ms=1000.0), executor="closed")).level is Level.VALID


@pytest.mark.parametrize(
    ("missed", "level"),
    [
        (0, Level.VALID),
        # One for each user, here one: ended between a call and its event.
        (1, Level.DEGRADED),
        (2, Level.INVALID),
        (-1, Level.INVALID),
    ],
)
def test_locusts_own_count_must_agree_where_locust_drove(missed, level):
    run = a_run(locust=LocustFacts(counted={"read": EVERY - missed}))
    validity = judge(run)
    assert validity.level is level
    if missed:
        sentence = (
            f"Locust counted {EVERY - missed} calls of 'read' that returned, the table of calls holds {EVERY}"
        )
        assert validity.reasons == (sentence,)


def test_a_count_of_locusts_that_was_reset_is_not_judged():
    assert judge(a_run(locust=LocustFacts(counted={}, was_reset=True))).level is Level.VALID


def test_what_is_noted_of_a_crew_of_locust_degrades_it():
    validity = judge(a_run(locust=LocustFacts(counted={"read": EVERY}, notes=["Clocks differ"])))
    assert (validity.level, validity.reasons) == (Level.DEGRADED, ("Clocks differ",))


def test_an_overloaded_target_is_a_valid_finding():
    table = rows()
    table["outcome"][100:1500] = Outcome.DROPPED
    table["outcome"][1500:1600] = Outcome.TIMED_OUT
    table["outcome"][1600:] = Outcome.UNFINISHED
    assert judge(a_run(table)).level is Level.VALID


@pytest.mark.parametrize(
    ("share", "level"),
    [
        (None, "valid"),
        (0.0, "valid"),
        (0.02, "valid"),
        (0.021, "degraded"),
        (0.15, "degraded"),
        (0.16, "invalid"),
    ],
)
def test_time_without_a_processor_counts_by_its_share(share, level):
    assert judge(a_run(host=HostFacts(descheduled_share=share))).level == level


@pytest.mark.parametrize(
    ("ceiling", "achieved", "level"),
    [(1000.0, 850.0, "valid"), (1000.0, 851.0, "degraded"), (None, 10.0, "valid"), (1000.0, None, "valid")],
)
def test_a_saturated_back_end_degrades_and_is_named(ceiling, achieved, level):
    backends = {"redis": BackendFacts(ceiling_per_s=ceiling, achieved_per_s=achieved)}
    validity = judge(a_run(backends=backends))
    assert validity.level == level
    assert all(
        reason.startswith("redis was saturated: 851/s of the about 1,000/s") for reason in validity.reasons
    )


@pytest.mark.parametrize(
    ("warm_ms", "service_ms", "level"),
    [
        (5.0, 5.0, "valid"),
        (5.5, 5.0, "valid"),
        (5.7, 5.0, "degraded"),
        (0.030, 0.012, "valid"),  # two and a half times as slow, but by 18 us
        (3.0, 5.0, "valid"),  # faster before than after: the target's own finding
    ],
)
def test_a_warm_up_that_was_not_over_degrades(warm_ms, service_ms, level):
    run = a_run(rows(service_ns=round(service_ms * MS)), warmup=rows(400, -2000 * MS, round(warm_ms * MS)))
    assert judge(run).level == level


def test_the_limit_is_the_share_of_calls_that_are_slower():
    warmup = rows(400, -2000 * MS)
    warmup["completed_ns"][::3] += 50 * MS
    assert (
        judge(a_run(warmup=warmup), dataclasses.replace(Thresholds(), warmup_share=0.5)).level is Level.VALID
    )
    (reason,) = judge(a_run(warmup=warmup)).reasons
    assert reason == (
        "Warm-up was not steady at the end of 2 s: "
        "33.3 % of its last calls took over 5 ms, 0 % of those once measured"
    )


def test_only_the_end_of_warm_up_counts():
    warmup = rows(400, -2000 * MS)
    warmup["completed_ns"][:290] += 50 * MS
    assert judge(a_run(warmup=warmup)).level is Level.VALID


def test_too_few_calls_say_nothing_of_the_warm_up():
    slow = rows(400, -2000 * MS, 50 * MS)
    assert judge(a_run(warmup=slow[-59:])).level is Level.VALID
    assert judge(a_run(warmup=slow[-60:])).level is Level.DEGRADED


def test_without_warm_up_there_is_nothing_to_settle():
    assert judge(a_run(warmup=rows(400, -2000 * MS, 50 * MS), warmup_s=0.0)).level is Level.VALID


def test_the_worst_finding_is_the_level_and_comes_first():
    validity = judge(a_run(interrupted=True, trouble=("Something is missing",)))
    assert validity.level is Level.INVALID
    assert validity.reasons[0] == "Something is missing"
    assert len(validity.reasons) == 2


def test_thresholds_are_settings():
    strict = dataclasses.replace(Thresholds(), descheduled_share=Threshold(0.0, 0.001))
    run = a_run(host=HostFacts(descheduled_share=0.002))
    assert judge(run).level is Level.VALID
    assert judge(run, strict).level is Level.INVALID


@settings(max_examples=100, deadline=None)
@given(
    npst.arrays(
        calls.DTYPE,
        st.integers(0, 40),
        elements=st.tuples(
            st.integers(0, 5), st.just(0), st.just(0), st.just(0), *[st.integers(-(2**45), 2**45)] * 9
        ),
    ),
    st.booleans(),
    st.sampled_from(["open", "closed"]),
)
def test_every_table_has_a_verdict_and_no_completed_call_is_never_valid(table, interrupted, executor):
    run = a_run(table, interrupted=interrupted, executor=executor)
    validity = judge(run)
    assert validity.level in set(Level)
    assert len(validity.reasons) == len(validity.findings)
    if not (table["outcome"] == Outcome.COMPLETED).any():
        assert validity.level is Level.INVALID


def test_in_threads_the_causes_of_lateness_are_known_without_a_split():
    facts = msgspec.structs.replace(a_run().facts, split=False, engine=Engine.THREADS)
    validity = judge(a_run(late(4.0), facts=facts, executor="closed"))
    assert "held up by the harness itself" in validity.reasons[0]
    assert validity.level is Level.INVALID


@pytest.mark.parametrize(
    ("threads", "in_flight", "is_told"), [(1_000, 1_001, True), (1_000, 1_000, False), (8, 9, False)]
)
def test_a_pool_of_threads_that_was_too_small_is_told(threads, in_flight, is_told):
    facts = msgspec.structs.replace(
        a_run().facts, split=False, engine=Engine.THREADS, threads=threads, in_flight_peak=in_flight
    )
    told = [reason for reason in judge(a_run(facts=facts)).reasons if "waited for a free one" in reason]
    assert len(told) == is_told
