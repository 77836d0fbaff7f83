"""How many CPUs a session has, and how many others take."""

import os

import pytest

from harness.session.receipt import Slices
from harness.session.slots import room
from harness.session.slots.record import Record


@pytest.fixture
def groups(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_CGROUPS", tmp_path)
    (tmp_path / "a").mkdir()
    monkeypatch.setattr(room, "_OWN_GROUP", tmp_path / "own")
    (tmp_path / "own").write_text("1:name=systemd:/x\n0::/a\n")
    return tmp_path


@pytest.mark.parametrize(
    ("outer", "inner", "cpus"),
    [(None, None, 64), ("max 100000", "max 100000", 64), ("max 100000", "50000 100000", 0.5), ("150000 100000", "max 1", 1.5)],
)  # fmt: skip
def test_the_cpus_of_a_session_are_those_of_its_affinity_or_of_the_tightest_quota(
    groups, monkeypatch, outer, inner, cpus
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    for folder, text in ((groups, outer), (groups / "a", inner)):
        if text:
            (folder / "cpu.max").write_text(text)
    assert room.cpus() == cpus


STAT = "cpu 1 1 1 {both} 0\ncpu0 1 1 1 {first} 0 9\ncpu1 1 1 1 {second} 7 9\ncpu2 1 1 1 999 0\n"


@pytest.mark.parametrize(("first", "second", "share"), [(100, 100, 0.0), (50, 100, 0.25), (0, 0, 1.0), (120, 100, 0.0)])  # fmt: skip
def test_cpus_of_the_session_that_were_not_idle_were_taken_by_others(
    tmp_path, monkeypatch, first, second, share
):
    stat, clock = tmp_path / "stat", [0.0]
    stat.write_text(STAT.format(both=0, first=500, second=500))

    def sleep(seconds):
        clock[0] += seconds
        stat.write_text(STAT.format(both=0, first=500 + first, second=500 + second))

    fake = type("Time", (), {"monotonic": lambda: clock[0], "sleep": sleep})
    monkeypatch.setattr(room, "_STAT", stat)
    monkeypatch.setattr(room, "_TICK_S", 0.01)
    monkeypatch.setattr(room, "time", fake)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    assert room.taken_share(1.0) == pytest.approx(share)


@pytest.mark.parametrize("text", [None, "", "cpu0 0 0 0 0 0\ncpu1 0 0 0 0 0\n", "cpu0 few\n"])
def test_where_the_kernel_does_not_tell_nothing_was_taken(tmp_path, monkeypatch, text):
    monkeypatch.setattr(room, "_STAT", tmp_path / "stat")
    if text is not None:
        (tmp_path / "stat").write_text(text)
    assert room.taken_share(0.0) == 0.0


@pytest.mark.parametrize(("taken", "has_room"), [([], True), ([0.1, 0.4], True), ([0.1, 0.5], False)])
def test_a_benchmark_with_threads_is_not_measured_in_a_block_whose_cpus_others_took(taken, has_room):
    record = Record()
    record.slices = {name: Slices(base_ns=[1], candidate_ns=[1], first=[0]) for name in ("threads", "plain")}
    record.taken = taken
    record.require_room(["threads"])
    assert list(record.slices) == (["threads", "plain"] if has_room else ["plain"])
    why = "other processes took 30% of the session's CPUs (limit 25%)"
    assert (why in str(record.crowded)) is not has_room
    assert record.failed == {}
