"""A run of a locustfile: what speaks against it, and what is left out of its headline."""

import msgspec
import pytest

from harness.model import Outcome
from harness.policy.thresholds import Level
from harness.reading.judging import judge
from harness.reading.locustfile import beside, every_request, remarks
from harness.run.client_facts import ClientFacts, LoopLag
from harness.run.documents import HostFacts, LocustFacts
from harness.run.facts import LoadFacts
from harness.table.aside import NO_TIME, Aside
from tests.support.validity import CALLS, EVERY, MS, a_run, rows


def of_file(table=None, *, locust=None, host=None, **client):
    """A run of a locustfile of which nothing is wrong but what is given."""
    facts = LoadFacts(
        origin_ns=0, origin_unix_s=0.0, ended_ns=10**12, client=ClientFacts(started=5, **client)
    )
    given = {"file": "locustfile.py", "counted": {"read": EVERY}, **(locust or {})}
    return a_run(table, facts=facts, executor="closed", locust=LocustFacts(**given), host=host or HostFacts())


def said(run):
    validity = judge(run).validity
    return validity.level, " | ".join(validity.reasons)


def test_a_run_of_which_nothing_is_wrong_is_valid():
    assert said(of_file()) == (Level.VALID, "")


@pytest.mark.parametrize(
    ("given", "level", "sentence"),
    [
        ({"lost": {"on_start raised ValueError": 3}}, "degraded", "3 of 5 users were lost (3 × on_start raised ValueError)"),
        ({"refused": {"its response_time is negative": 2}, "locust": {"counted": {"read": EVERY + 2}}}, "degraded", "2 events of the script could not be recorded"),
        ({"silent": 7}, "degraded", "7 requests ended without an event"),
        ({"locust": {"is_ramped": False}}, "degraded", "The test ended before all of its users were started"),
        ({"locust": {"counted": {"read": EVERY + 1}}}, "invalid", f"Locust counted {EVERY + 1} all requests that returned"),
        ({"host": HostFacts(cpu_share=0.8)}, "degraded", "had work for 80 % of the time (limit 75 %)"),
        ({"host": HostFacts(cpu_share=0.9, descheduled_share=0.1)}, "invalid", "had work for 100 % of the time (limit 95 %)"),
        ({"loop_lag": LoopLag(beats=500, p99_ns=3 * MS)}, "degraded", "The client's loop was 3 ms late at p99"),
        ({"loop_lag": LoopLag(beats=500, p99_ns=300 * MS)}, "invalid", "The client's loop was 300 ms late at p99"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_level(given, level, sentence):
    found, reasons = said(of_file(rows(service_ns=10 * MS), **given))
    assert (str(found), sentence in reasons) == (level, True), reasons


def test_calls_beside_the_measured_time_are_in_no_headline_and_in_every_request():
    table = rows()
    run = of_file(table[:-30])
    run.warmup["aside"][:10] = Aside.ON_START
    run.warmup["aside"][10:15] = Aside.ON_STOP | NO_TIME
    run.warmup["outcome"][10:12] = Outcome.FAILED
    parts = {label: sum(part.outcomes.values()) for label, part in beside(run).items()}
    assert parts == {"on_start": 10, "on_stop": 5, "ramp-up": EVERY - CALLS - 15}
    assert beside(run)["on_stop"].outcomes["failed"] == 2
    assert every_request(run) == {"read": EVERY - 30}
    assert beside(a_run()) == {}, "of a run that the harness drove, warm-up is warm-up"


def test_what_is_to_be_known_of_names_and_times_is_said_once():
    run = of_file(folded={"GET /a/{id}": 40}, told={"db q": 3}, untimed={"db z": 2}, names_left=9)
    (folded, left, told, untimed) = remarks(run)
    assert "GET /a/{id} (40)" in folded
    assert left.startswith("9 further names")
    assert told == "times of db q are as the script told them"
    assert "db z (2)" in untimed
    assert remarks(a_run()) == []
    assert msgspec.to_builtins(run.facts.client)["names_left"] == 9
