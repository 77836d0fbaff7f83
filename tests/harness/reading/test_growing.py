"""Growth of stored runs: on a turned clock, whole hours through everything that reads a run."""

import shutil

import msgspec
import pytest

from harness.model import Outcome
from harness.policy.growth import Course
from harness.reading.codes import exit_code
from harness.reading.growing import as_json, growth
from harness.reading.judging import judge
from harness.reading.server_use import server_use
from harness.reading.summary import load
from harness.run.directory import RunDirectory
from harness.run.documents import LocustFacts
from tests.support.run_builder import served
from tests.support.sampled import ORIGIN_NS, STILL, make_soak, write_samples

MB = 1e6


def of(path):
    return growth(load(path))


def course_of(path, name):
    return {verdict.quantity.key: verdict for verdict in of(path).verdicts}[name]


def test_a_still_hour_is_flat_in_everything(tmp_path):
    found = of(make_soak(tmp_path))
    assert {verdict.quantity.key: verdict.course for verdict in found.verdicts} == dict.fromkeys(
        ("rss", "blocks", "fds", "threads", "greenlets"), Course.FLAT
    )
    assert 50_000 <= found.sample_ns <= 51_000


@pytest.mark.parametrize(
    ("field", "name", "per_call"),
    [
        ("own_bytes", "rss", 10_000),
        ("blocks", "blocks", 25),
        ("fds", "fds", 0.05),
        ("greenlets", "greenlets", 0.5),
    ],
)
def test_what_each_call_leaks_is_told_by_call(tmp_path, field, name, per_call):
    path = make_soak(tmp_path, rate_per_s=2.0, **{field: lambda second: STILL[field] + 2 * per_call * second})
    verdict = course_of(path, name)
    assert verdict.course is Course.GROWS
    low, high = verdict.per_call[1:]
    assert low <= per_call <= high
    assert verdict.per_call[0] == pytest.approx(per_call, rel=0.02)
    assert [one.quantity.key for one in of(path).growing] == [name]


def test_a_leak_of_100_bytes_a_call_at_50_calls_a_second(tmp_path):
    path = make_soak(tmp_path, 1800, rate_per_s=50.0, own_bytes=lambda second: 60 * MB + 5000 * second)
    assert course_of(path, "rss").per_call[0] == pytest.approx(100, rel=0.02)


def test_warm_up_before_the_measured_time_counts_in_nothing(tmp_path):
    path = make_soak(tmp_path, own_bytes=lambda second: 1 * MB if second < 0 else 60 * MB)
    assert of(path).series["rss"].times_s[0] == 0.0
    assert course_of(path, "rss").course is Course.FLAT


def test_a_short_run_has_no_verdicts(tmp_path):
    found = of(make_soak(tmp_path, 50))
    assert found.verdicts == ()
    assert found.why_not == ""
    assert as_json(found)["quantities"] == {}


def test_a_run_without_samples_says_nothing(tmp_path):
    path = make_soak(tmp_path, slos=["rss<+5MB/h"])
    (path / "timing" / RunDirectory.SAMPLES).unlink()
    assert as_json(of(path)) is None
    (finding,) = judge(load(path)).slo
    assert finding.certificate.sentence == "not certified: this run has no samples of memory"


def test_damaged_samples_leave_the_run_readable(tmp_path):
    path = make_soak(tmp_path, slos=["rss<+5MB/h"])
    (path / "timing" / RunDirectory.SAMPLES).write_bytes(b"garbage\n")
    judged = judge(load(path))
    assert judged.growth.why_not.startswith("the samples of the process are damaged")
    assert judged.slo[0].certificate.sentence.startswith(
        "not certified: the samples of the process are damaged"
    )


def test_under_a_load_that_changes_nothing_is_judged(tmp_path):
    stages = (("quiet", 1.0, 1.0, 1.0), ("busy", 1.0, 2.0, 2.0))
    found = of(make_soak(tmp_path, changes={"stages": stages}))
    assert found.verdicts == ()
    assert found.why_not == "the load changes, and growth is judged under one load"
    quarters = tuple((f"quarter {number}", 1.0, 1.0, 1.0) for number in range(4))
    assert of(make_soak(tmp_path, changes={"stages": quarters})).verdicts


def test_users_of_locust_that_change_are_a_load_that_changes(tmp_path):
    path = make_soak(
        tmp_path, changes={"executor": "closed", "stages": (("a", 1.0, 1.0, 1.0), ("b", 1.0, 1.0, 1.0))}
    )
    document = RunDirectory(path).read()
    document.locust = LocustFacts(users=[(0.0, 5), (1800.0, 9)])
    RunDirectory(path).write(document)
    assert of(path).why_not
    document.locust = LocustFacts(users=[(0.0, 5)])
    RunDirectory(path).write(document)
    assert of(path).verdicts


def test_what_locusts_own_statistics_grow_by_is_not_the_targets(tmp_path):
    """Four rows of statistics: three operations and their sum."""
    path = make_soak(tmp_path, blocks=lambda second: 400_000 + 15 * second, changes={"executor": "closed"})
    assert course_of(path, "blocks").course is Course.GROWS
    document = RunDirectory(path).read()
    document.locust = LocustFacts(users=[(0.0, 5)])
    RunDirectory(path).write(document)
    assert course_of(path, "blocks").course is Course.FLAT


def test_a_server_of_the_run_is_judged_in_place_of_the_load_generator(tmp_path):
    rss = [50_000_000 + place * 20_000 for place in range(3600)]
    server = served(rss, at_s=[float(place) for place in range(3600)])
    path = make_soak(
        tmp_path,
        own_bytes=lambda second: 60 * MB,
        changes={"served": server},
        slos=["rss<+5MB/h,processes<+0"],
    )
    judged = judge(load(path))
    assert {one.quantity.key: one.course for one in judged.growth.verdicts} == {
        "rss": Course.GROWS, "fds": Course.FLAT, "threads": Course.FLAT, "processes": Course.FLAT,
    }  # fmt: skip
    assert course_of(path, "rss").per_call[0] == pytest.approx(10_000, rel=0.01)
    assert [str(finding.certificate.state) for finding in judged.slo] == ["broken", "certified"]
    assert as_json(judged.growth)["of"] == "server"
    # Of a longer run there is one verdict, not two.
    assert server_use(judged.run).growth == ""


def split_among_workers(path):
    """Make the run one of two workers, the second of which leaks descriptors; each has its own time zero."""
    timing = RunDirectory(path).timing
    facts = RunDirectory(path).read_facts()
    for number, fds in enumerate((lambda second: 12, lambda second: 12 + second // 30)):
        part = timing / f"worker-{number}"
        write_samples(part, range(-10, 3600 - 7 * number), fds=fds)
        directory = RunDirectory(path)
        directory.facts_path = part / RunDirectory.FACTS
        directory.write_facts(msgspec.structs.replace(facts, origin_ns=ORIGIN_NS))
        shutil.copy(timing / RunDirectory.CALLS, part)


def test_workers_are_judged_together(tmp_path):
    path = make_soak(tmp_path)
    split_among_workers(path)
    verdict = course_of(path, "fds")
    assert verdict.course is Course.GROWS
    assert verdict.per_hour == pytest.approx(120, rel=0.03)
    assert of(path).series["rss"].values[0] == 2 * STILL["own_bytes"]


def limited(tmp_path, text, **words):
    judged = judge(load(make_soak(tmp_path, slos=[text], **words)))
    return judged, [finding.certificate for finding in judged.slo]


def test_a_broken_limit_of_growth_is_exit_code_3(tmp_path):
    judged, (memory, fds) = limited(
        tmp_path, "rss<+5MB/h,fds<+0", own_bytes=lambda second: 60 * MB + 5000 * second
    )
    assert (str(memory.state), str(fds.state)) == ("broken", "certified")
    assert memory.sentence.startswith("broken: grows by 18 MB an hour (17.")
    assert fds.sentence == "certified: flat within 1.5 an hour"
    assert memory.low <= 18 * MB <= memory.high
    assert exit_code([judged]) == 3


def test_an_open_limit_of_growth_is_not_certified_and_fails_nothing(tmp_path):
    judged, (fds,) = limited(tmp_path, "fds<+0", duration_s=120)
    assert fds.sentence == "not certified: cannot tell: 0 an hour (-45 to 45); needs about 8 minutes more"
    assert fds.more_s == pytest.approx(474)
    assert exit_code([judged]) == 0
    _, (fds,) = limited(tmp_path, "fds<+0", duration_s=30)
    assert fds.sentence == "not certified: cannot tell: needs 30 s more"


def test_limits_of_calls_and_growth_stand_side_by_side(tmp_path):
    _, found = limited(tmp_path, "p99<5s,blocks<+1000000/h")
    assert [str(one.clause.metric) for one in found] == ["latency", "growth"]


def test_an_invalid_run_decides_no_limit_of_growth(tmp_path):
    judged, (memory,) = limited(
        tmp_path,
        "rss<+0",
        own_bytes=lambda second: 60 * MB + 5000 * second,
        changes={"outcome": Outcome.NEVER_STARTED},
    )
    assert memory.sentence == "not certified: the run is invalid"
    assert exit_code([judged]) == 5
