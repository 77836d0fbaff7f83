"""What a process keeps is in its samples to the call, in every engine; and over two minutes it gets its verdict."""

import contextlib
import json
import os
import textwrap

import numpy as np
import pytest

from harness.run import samples
from harness.run.directory import RunDirectory
from harness.table import calls
from tests.support.cli import Said, harness, started
from tests.support.tolerant import tolerant

TARGET = textwrap.dedent(
    """
    import asyncio, os, threading

    KEPT = []
    NOTHING = bytes(0)

    def thread():
        over = threading.Event()
        KEPT.append(over)
        threading.Thread(target=over.wait, daemon=True).start()

    def greenlet():
        import gevent
        KEPT.append(gevent.spawn(gevent.sleep, 1e6))

    def saw():
        KEPT.append(bytes(100_000))
        if len(KEPT) > 200:
            KEPT.clear()

    KEEP = {
        "nothing": lambda: None,
        "memory": lambda: KEPT.append(os.urandom(67)),  # 100 bytes, in one block
        "descriptor": lambda: KEPT.append(os.dup(0)),
        "thread": thread,
        "greenlet": greenlet,
        "cache": lambda: len(KEPT) < 640 and KEPT.append(bytearray(b"x" * 100_000)),
        "saw": saw,
    }

    class Keeper:
        operations = {"call": 1}

        def __init__(self, what, every):
            self.keep, self.every, self.calls = KEEP[what], int(every), 0

        def call(self, event):
            self.calls += 1
            if self.calls % self.every == 0:
                self.keep()

    class Tasks:
        operations = {"call": 1}

        async def call(self, event):
            KEPT.append(asyncio.create_task(asyncio.sleep(1e6)))

    def create(what="nothing", every="1"):
        return Tasks() if what == "task" else Keeper(what, every)
    """
)
LOCUSTFILE = textwrap.dedent(
    """
    import os
    from locust import User, constant, task

    KEPT = []

    class Keeper(User):
        wait_time = constant(0.02)

        @task
        def keep(self):
            KEPT.append(os.dup(0))
            self.environment.events.request.fire(
                request_type="call", name="keep", response_time=1, response_length=0, exception=None, context={}
            )
    """
)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "keeper.py").write_text(TARGET)
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    return tolerant(tmp_path)


def kept_and_called(timing):
    """Return the samples of one process, and for each the number of its calls that had returned by then."""
    origin_ns = json.loads((timing / RunDirectory.FACTS).read_bytes())["origin_ns"]
    completed_ns = np.sort(calls.load(timing / RunDirectory.CALLS)["completed_ns"])
    found = samples.read(timing / RunDirectory.SAMPLES)
    return found, np.searchsorted(completed_ns, [sample.at_ns - origin_ns for sample in found]).tolist()


@pytest.mark.parametrize(
    ("what", "field", "words"),
    [
        ("descriptor", "fds", ()),
        ("greenlet", "greenlets", ()),
        ("task", "tasks", ()),
        ("thread", "threads", ("--engine", "threads")),
        ("descriptor", "fds", ("--workers", 2)),
    ],
)
def test_a_sample_counts_what_the_calls_before_it_kept(project, what, field, words):
    said = harness(
        "run", "closed", "--target", f"keeper.py:create?what={what}", "--users", 2, "--think-time", "20ms", "--duration", "2200ms",
        "--warmup", "0s", *words, "--out", "runs", "--no-report", cwd=project,
    )  # fmt: skip
    assert said.code == 0, said.stderr
    timings = [*project.glob("runs/*/timing/worker-*")] or [*project.glob("runs/*/timing")]
    for timing in timings:
        taken, called = kept_and_called(timing)
        first, last = taken[0], taken[-1]
        grown, made = getattr(last, field) - getattr(first, field), called[-1] - called[0]
        assert made > 20
        # Calls in flight have kept something and not returned; the harness starts its own, and ends some.
        assert made - 4 <= grown <= made + 6


def test_tests_of_a_locustfile_are_sampled_too(project):
    with contextlib.chdir(project):
        said = harness(
            "locust", "-f", "locustfile.py", "--headless", "-u", "2", "-r", "2", "-t", "3s", "--host", "http://127.0.0.1:1",
            "--only-summary", "--no-report", cwd=project,
        )  # fmt: skip
    assert said.code == 0, said.stderr
    taken, called = kept_and_called(next(project.glob("runs/*/timing")))
    assert called[-1] - called[0] > 20
    assert abs((taken[-1].fds - taken[0].fds) - (called[-1] - called[0])) <= 6
    assert taken[0].greenlets >= 1


COURSES = {
    "nothing": ("create?what=nothing", {}),
    "memory": ("create?what=memory", {"blocks": 1.0, "rss": 100.0}),
    "descriptor": ("create?what=descriptor&every=50", {"fds": 0.02}),
    "thread": ("create?what=thread&every=100", {"threads": 0.01}),
    "greenlet": ("create?what=greenlet&every=10", {"greenlets": 0.1}),
    "task": ("create?what=task", {"tasks": 1.0}),
    "cache": ("create?what=cache&every=4", {}),
    "saw": ("create?what=saw&every=4", {}),
}
GROWS_WITH = {
    "memory": {"rss", "blocks"},
    "descriptor": {"fds"},
    "thread": {"threads", "rss", "blocks"},
    "greenlet": {"greenlets", "rss", "blocks"},
    "task": {"tasks", "rss", "blocks"},
}


def _words(what, target):
    engine = ("--engine", "threads") if what == "thread" else ()
    return ("run", "soak", "--target", f"keeper.py:{target}", *engine, "--out", what, "--no-report", "--json")


@pytest.mark.proof
def test_two_minutes_find_what_leaks_and_nothing_else(project):
    """All at once, since each takes two minutes; the machine may be busy, which changes no count."""
    with contextlib.ExitStack() as running:
        processes = {}
        for what, (target, _) in COURSES.items():
            processes[what] = running.enter_context(
                started(
                    *_words(what, target),
                    "--rate",
                    100,
                    "--duration",
                    "120s",
                    "--warmup",
                    "5s",
                    "--slo",
                    "fds<+0",
                    cwd=project,
                )
            )
        said = {what: process.communicate(timeout=400) for what, process in processes.items()}
        found = {what: Said(process.returncode, *said[what]) for what, process in processes.items()}
    for what, one_run in found.items():
        quantities = one_run.run["growth"]["quantities"]
        grows = {name for name, one in quantities.items() if one["verdict"] == "grows"}
        assert grows <= GROWS_WITH.get(what, set()), (what, quantities)
        for name, per_call in COURSES[what][1].items():
            assert name in grows, (what, quantities)
            one = quantities[name]
            if name != "rss":
                assert one["per_call_low"] <= per_call <= one["per_call_high"], (what, one)
        assert one_run.code == (3 if what == "descriptor" else 0), one_run.stderr
        assert os.path.getsize(next((project / what).glob("*/timing/samples.jsonl"))) > 10_000
