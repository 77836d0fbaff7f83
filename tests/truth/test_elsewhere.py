"""Work that a call leaves to threads, greenlets and executors is the call's; what is left to a queue is never called exact."""

import json

import pytest

from harness.cli import main
from harness.profiles.stacks.folded import read_folded
from tests.support.exact import few_requests

TARGET = """
import concurrent.futures, queue, threading, gevent
POOL = concurrent.futures.ThreadPoolExecutor(2)
class Elsewhere:
    operations = {"pool": 1, "thread": 1, "gevent": 1, "queue": 1}
    def __init__(self, buffers):
        self.buffers = buffers
    def make_event(self, operation, rng):
        return getattr(self, operation)
    def open(self):
        self.jobs = queue.Queue()
        threading.Thread(target=self.serve, daemon=True).start()
    def call(self, event):
        event()
    def work(self):
        return [bytearray(10) for _ in range(self.buffers)]
    def pool(self):
        POOL.submit(self.work).result()
    def thread(self):
        thread = threading.Thread(target=self.work)
        thread.start()
        thread.join()
    def gevent(self):
        gevent.spawn(self.work).get()
    def queue(self):
        done = threading.Event()
        self.jobs.put(done)
        done.wait()
    def serve(self):
        while True:
            done = self.jobs.get()
            self.work()
            done.set()
def create(buffers="500"):
    return Elsewhere(int(buffers))
"""
WORK = "Elsewhere.work.<locals>.<listcomp> (own.py)"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    path = tmp_path_factory.mktemp("target") / "own.py"
    path.write_text(TARGET)
    return path


@pytest.fixture(scope="module")
def compared(own, tmp_path_factory):
    """The exit code and the JSON of an exact comparison with twice the work."""
    out = tmp_path_factory.mktemp("out")
    base, candidate = f"target:{own}:create", f"target:{own}:create?buffers=1000"
    with few_requests():
        code = main(["compare", base, candidate, "--suite", "exact", "--out", str(out)])
    (session,) = out.iterdir()
    return code, session


def judged(compared, capsys):
    capsys.readouterr()
    main(["judge", str(compared[1]), "--json"])
    comparisons = json.loads(capsys.readouterr().out)["comparisons"]
    return {(one["benchmark"], one["metric"]): one for one in comparisons}


@pytest.mark.parametrize("operation", ["pool", "thread", "gevent"])
def test_twice_the_work_in_a_thread_an_executor_or_a_greenlet_is_a_regression_of_that_size(
    compared, operation, capsys
):
    found = judged(compared, capsys)[operation, "allocations"]
    assert (compared[0], found["verdict"]) == (3, "regressed")
    # What 500 more buffers take: a bytearray is two allocations and more, and the list grows on its way.
    grown = {site["function"]: site["candidate"] - site["base"] for site in found["sites"]}
    assert grown[WORK] == pytest.approx(1500, rel=0.05)
    assert found["candidate"] - found["base"] == pytest.approx(grown[WORK], rel=0.02)


def test_twice_the_work_of_a_thread_that_is_fed_by_a_queue_is_no_verdict(compared, capsys):
    found = judged(compared, capsys)
    for metric in ("allocations", "peak_bytes"):
        one = found["queue", metric]
        assert (one["verdict"], one["change"]) == ("inconclusive", None)
        assert "outside of the calls" in one["note"]
    assert found["queue", "failures"]["verdict"] == "ok"
    assert "outside of the calls" in (compared[1] / "comment.md").read_text()
    assert "outside of the calls" in (compared[1] / "report.html").read_text()


@pytest.mark.measures
def test_a_cpu_profile_names_the_operation_of_work_in_threads_executors_and_greenlets(own, tmp_path):
    target = f"{own}:create?buffers=20000"
    words = ["profile", "closed", "--target", target, "--kinds", "cpu", "--rounds", "1", "--users", "2"]
    assert main([*words, "--duration", "1s", "--warmup", "0s", "--out", str(tmp_path)]) == 0
    (run,) = tmp_path.iterdir()
    stacks = read_folded(run / "cpu" / "cpu.folded").stacks
    in_work = {
        stack: weight for stack, weight in stacks.items() if WORK in stack and "serve" not in str(stack)
    }
    named = sum(weight for stack, weight in in_work.items() if stack[0].startswith("operation:"))
    assert named >= 0.9 * sum(in_work.values()) > 0
