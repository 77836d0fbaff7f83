"""What workers send arrives as it was recorded, whatever was still out, wherever their clocks stand."""

import msgspec
import numpy as np
import pytest

from harness.model import Executor, Outcome, Scenario
from harness.processes.clock_exchange import WorkerClock, this_clock
from harness.processes.loadrun import LoadPlan
from harness.processes.merge_reports import WorkerReports
from harness.processes.worker_reports import Head, Outgoing, Report
from harness.run import samples
from harness.run.directory import RunDirectory, decode
from harness.run.documents import HostFacts
from harness.run.facts import LoadFacts
from harness.table import calls
from harness.table.recorder import FILL, FILL_BASE, Recorder

S = 1_000_000_000
UNIX_S = 1_760_000_000.0
MIX = {"read": 1.0, "write": 1.0}
HOST = HostFacts(descheduled_share=0.01)


@pytest.fixture
def sender_of(tmp_path):
    senders = []

    def make(number, *args, **more):
        senders.append(Sender(tmp_path, number, *args, **more))
        return senders[-1]

    yield make
    for sender in senders:
        sender.recorder.close()


class Sender:
    """A worker: records calls by hand, and reports them."""

    def __init__(self, folder, number, origin_unix_s=UNIX_S, cpu="one", clock=None):
        self.recorder = Recorder(folder / f"sender-{number}.npy", 0)
        self.append = self.recorder.appender()
        self.outgoing = Outgoing(self.recorder)
        self.head = Head(operations=MIX, environment={"cpu": cpu})
        self.facts = LoadFacts(origin_ns=number + 1, origin_unix_s=origin_unix_s)
        self.origin_unix_s = origin_unix_s
        # Another machine, whose clock is known to 5 ms: its reading at time zero is `number + 1`.
        self.clock = clock or WorkerClock(
            boot="another", zero_unix_ns=round(origin_unix_s * S) - number - 1, error_ns=5_000_000
        )

    def call(self, at_s, operation=0):
        return self.append(operation, 0, round(at_s * S), round(at_s * S) + 10)

    def fill(self, row, at_s, service_ns):
        start_ns = round(at_s * S) + 20
        FILL.pack_into(
            self.recorder.map,
            FILL_BASE + row * calls.ROW_BYTES,
            start_ns,
            start_ns + service_ns,
            -1,
            -1,
            0,
            0,
        )
        self.recorder.map[calls.HEADER_BYTES + row * calls.ROW_BYTES] = int(Outcome.COMPLETED)

    def make(self, count, from_s=0.0, service_ns=1_000_000):
        for index in range(count):
            at_s = from_s + index / 100
            self.fill(self.call(at_s, index % 2), at_s, service_ns + index)

    def report(self, at_s, **more):
        sent = self.origin_unix_s + at_s
        return Report(
            sent_unix_s=sent,
            head=self.head,
            facts=self.facts,
            clock=self.clock,
            **self.outgoing.take(),
            **more,
        )

    def last(self, at_s):
        facts = msgspec.structs.replace(self.facts, ended_ns=round(at_s * S))
        end = self.outgoing.end(HOST, b"", b"")
        return msgspec.structs.replace(self.report(at_s), is_last=True, facts=facts, end=end)

    @property
    def rows(self):
        used = self.recorder.map[
            calls.HEADER_BYTES : calls.HEADER_BYTES + self.recorder.tail[0] * calls.ROW_BYTES
        ]
        return np.frombuffer(used, calls.DTYPE)


def plan_of(reports, workers=2):
    scenario = Scenario(name="closed", summary="", executor=Executor.CLOSED, operations=MIX)
    return LoadPlan(
        scenario=scenario, rate_per_s=1.0, users=2, duration_s=max(reports.duration_s, 0.1), warmup_s=0.0, seed=1,
        workers=workers,
    )  # fmt: skip


def through_the_wire(report):
    return Report.unpack(report.pack())


@pytest.fixture
def timing(tmp_path):
    folder = tmp_path / "run" / "timing"
    folder.mkdir(parents=True)
    return folder


def test_rows_that_were_out_when_they_were_sent_arrive_as_they_ended(sender_of, timing):
    sender, reports = sender_of(0), WorkerReports(timing)
    slow, stuck = sender.call(0.0), sender.call(0.001)
    sender.make(50)
    reports.take("w", through_the_wire(sender.report(1.0)), UNIX_S + 1.0)
    sender.make(50, from_s=1.0)
    sender.fill(slow, 0.0, 1_500_000_000)
    reports.take("w", through_the_wire(sender.report(2.0)), UNIX_S + 2.0)
    reports.take("w", through_the_wire(sender.last(3.0)), UNIX_S + 3.0)
    result = reports.merge(plan_of(reports, 1))
    assert result.ending.trouble is None
    arrived = calls.load(timing / "worker-0" / "calls.npy")
    assert arrived.tobytes() == sender.rows.tobytes()
    assert arrived["outcome"][slow] == Outcome.COMPLETED
    assert arrived["outcome"][stuck] == Outcome.UNFINISHED
    (worker,) = result.workers
    assert worker.outcomes["completed"] == 101
    assert worker.outcomes["unfinished"] == 1
    assert (worker.lost, worker.host) == (None, HOST)


def test_what_was_sent_is_not_sent_again(sender_of):
    sender = sender_of(0)
    sender.make(10)
    assert len(sender.report(1.0).rows) == 10 * calls.ROW_BYTES
    nothing = sender.report(2.0)
    assert (nothing.rows, nothing.late_rows) == (b"", b"")


def test_a_report_that_is_lost_on_the_way_makes_the_run_invalid(sender_of, timing):
    sender, reports = sender_of(0), WorkerReports(timing)
    sender.make(10)
    reports.take("w", sender.report(1.0), UNIX_S + 1.0)
    sender.make(10, from_s=1.0)
    sender.report(2.0)
    sender.make(10, from_s=2.0)
    reports.take("w", sender.last(3.0), UNIX_S + 3.0)
    trouble = reports.merge(plan_of(reports, 1)).ending.trouble
    assert "The calls of worker-0 did not arrive as they were recorded" in trouble


def test_parts_are_placed_by_what_is_known_of_their_clocks(sender_of, timing):
    early, late, reports = sender_of(0), sender_of(1, UNIX_S + 0.5), WorkerReports(timing)
    for name, sender in {"early": early, "late": late}.items():
        sender.make(10)
        sender.call(0.2)
        reports.take(name, sender.last(1.0), sender.origin_unix_s + 1.002)
    assert reports.duration_s == 1.5
    assert reports.notes() == []
    reports.merge(plan_of(reports))
    shifted = calls.load(timing / "worker-1" / "calls.npy")
    for name in ("intended_ns", "dispatched_ns"):
        assert (shifted[name] == late.rows[name] + S // 2).all()
    back = shifted["outcome"] == Outcome.COMPLETED
    for name in ("entered_ns", "completed_ns"):
        assert (shifted[name][back] == late.rows[name][back] + S // 2).all()
        assert (shifted[name][~back] == 0).all()
    assert calls.load(timing / "worker-0" / "calls.npy").tobytes() == early.rows.tobytes()


def test_samples_travel_with_the_reports_and_are_placed_as_the_calls_are(sender_of, timing):
    """Each sample keeps the clock of its machine; time zero of the part, moved, places it."""
    early, late, reports = sender_of(0), sender_of(1, UNIX_S + 0.5), WorkerReports(timing)
    for name, sender in {"early": early, "late": late}.items():
        sender.make(10)
        at_ns = sender.facts.origin_ns
        for second in range(3):
            sent = sender.report(second, samples=b'{"at_ns":%d,"fds":9}\n' % (at_ns + second * S))
            reports.take(name, through_the_wire(sent), sender.origin_unix_s + second)
        reports.take(name, sender.last(3.0), sender.origin_unix_s + 3.0)
    reports.merge(plan_of(reports))
    placed = []
    for number in range(2):
        part = timing / f"worker-{number}"
        zero_ns = decode(part / RunDirectory.FACTS, LoadFacts).origin_ns
        placed.append([(one.at_ns - zero_ns) / S for one in samples.read(part / RunDirectory.SAMPLES)])
    assert placed == [[0.0, 1.0, 2.0], [0.5, 1.5, 2.5]]


def test_each_worker_states_the_error_of_its_place_which_is_none_on_one_machine(sender_of, timing):
    near, far, unknown = (
        sender_of(0),
        sender_of(1, clock=WorkerClock(boot=this_clock().boot)),
        sender_of(2, clock=WorkerClock()),
    )
    reports, here = WorkerReports(timing), this_clock()
    far.facts = msgspec.structs.replace(far.facts, origin_ns=int(UNIX_S) * S - here.zero_unix_ns)
    for name, sender in {"near": near, "far": far, "unknown": unknown}.items():
        sender.make(10)
        reports.take(name, sender.last(1.0), UNIX_S + 1.0)
    workers = reports.merge(plan_of(reports, 3)).workers
    assert [worker.placed_within_ns for worker in workers] == [5_000_000, 0, None]
    note, *_ = reports.notes()
    assert note == (
        "The clock of worker-2's machine could not be compared with the master's: "
        "its calls are placed by its wall clock, with an unknown error"
    )


def test_a_place_that_is_known_to_two_seconds_only_is_told(sender_of, timing):
    vague = WorkerClock(boot="another", zero_unix_ns=round(UNIX_S * S), error_ns=2 * S)
    sender, reports = sender_of(0, clock=vague), WorkerReports(timing)
    sender.make(10)
    reports.take("vague", sender.last(1.0), UNIX_S + 1.0)
    (note,) = reports.notes()
    assert note == "The calls of worker-0 are placed in time within 2 s only: its network or its loop is slow"


def test_a_wall_clock_that_is_an_hour_off_does_not_matter_where_the_clocks_were_compared(sender_of, timing):
    known = WorkerClock(boot="another", zero_unix_ns=int(UNIX_S) * S + S // 4 - 2, error_ns=5_000_000)
    right, wrong, reports = sender_of(0), sender_of(1, UNIX_S + 3600.0, clock=known), WorkerReports(timing)
    for name, sender in {"right": right, "wrong": wrong}.items():
        sender.make(10)
        reports.take(name, sender.last(1.0), UNIX_S + 1.1)
    assert reports.duration_s == pytest.approx(1.25, abs=1e-6)
    assert reports.notes() == []


def test_a_clock_that_is_an_hour_off_and_was_not_compared_moves_nothing_and_is_told(sender_of, timing):
    right, reports = sender_of(0), WorkerReports(timing)
    wrong = sender_of(1, UNIX_S + 3600.0, clock=WorkerClock(boot="another"))
    for name, sender in {"right": right, "wrong": wrong}.items():
        sender.make(10)
        reports.take(name, sender.last(1.0), UNIX_S + 1.1)
    assert reports.duration_s == pytest.approx(1.0, abs=0.2)
    (note,) = reports.notes()
    assert note.startswith("The clock of worker-1's machine is 3,600 s from the master's")


def test_a_worker_that_is_lost_keeps_what_it_reported_and_one_that_left_early_is_told(sender_of, timing):
    kept, lost, left, reports = (*(sender_of(number) for number in range(3)), WorkerReports(timing))
    for name, sender in {"kept": kept, "lost": lost, "left": left}.items():
        sender.make(10)
        reports.take(name, sender.report(1.0), UNIX_S + 1.0)
    lost.make(10, from_s=1.0)
    reports.take("left", left.last(2.0), UNIX_S + 2.0)
    reports.lose("lost", "stopped answering")
    reports.lose("silent", "stopped answering")
    reports.take("kept", kept.last(10.0), UNIX_S + 10.0)
    assert all(map(reports.is_over, ("kept", "lost", "left", "silent")))
    workers = reports.merge(plan_of(reports, 4)).workers
    told = [worker.lost for worker in workers]
    assert told == [None, "stopped answering", "left 8 s before the end", "stopped answering"]
    assert [worker.outcomes["completed"] for worker in workers] == [10, 10, 10, 0]
    # By the rule of any run with workers: the rest of its users' time, as a share of everybody's.
    assert [round(worker.undone_share, 3) for worker in workers] == [0, 0.225, 0.2, 0.25]


def test_environments_that_differ_are_told(sender_of, timing):
    reports = WorkerReports(timing)
    for number, cpu in enumerate(("one", "other")):
        sender = sender_of(number, cpu=cpu)
        sender.make(1)
        reports.take(cpu, sender.last(1.0), UNIX_S + 1.0)
    (note,) = reports.notes()
    assert note == "worker-1 and worker-0 ran in environments that differ in cpu (one against other)"


def test_a_worker_without_a_part_in_the_test_leaves_no_trace(timing):
    reports = WorkerReports(timing)
    reports.take("idle", Report(sent_unix_s=UNIX_S, is_last=True), UNIX_S)
    assert reports.is_over("idle")
    assert reports.head is None
    assert not list(timing.iterdir())
