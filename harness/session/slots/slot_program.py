"""The program of a slot: one process of one side, which serves slices of its benchmarks on demand.

Run as a script by its path, `python -P slot_program.py IN_FD OUT_FD`. It imports nothing of the harness, because the
side may be the harness. Lines of JSON come and go over two separate descriptors, so that a benchmark's output disturbs
nothing. The first line in is the job; the answer is `collected`, and a line in lets it go on. Then, for each benchmark,
`ready` goes out and commands come in until `next`: `["slice", calls]`, `["slice_of_all", calls]` (with the CPU time beside the
main thread), `["begin"]`, `["sentinel", times]`, `["idle", seconds]`, `["tool", file, function, ...]` (which receives the
timer of the calls, and `rewind` as a global), `["next"]`.
"""

import gc
import itertools
import json
import os
import runpy
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_ENGINE = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))  # noqa: PTH120
_PLAIN = runpy.run_path(os.path.join(_ENGINE, "micro", "plain.py"))  # noqa: PTH118
Outcomes = runpy.run_path(os.path.join(_ENGINE, "micro", "outcomes.py"))["Outcomes"]  # noqa: PTH118
plain, readable = _PLAIN["plain"], _PLAIN["readable"]
_CPU = runpy.run_path(os.path.join(os.path.dirname(__file__), "slot_cpu.py"))  # noqa: PTH118, PTH120
Beside, busy, idle_share = (_CPU[name] for name in ("Beside", "busy", "idle_share"))
_FIXTURE = runpy.run_path(os.path.join(os.path.dirname(__file__), "slot_benchmark.py"))  # noqa: PTH118, PTH120
cpu_of_all_ns = _FIXTURE["cpu_of_all_ns"]
Benchmark, is_async, ASYNC_TEST = (_FIXTURE[name] for name in ("Benchmark", "is_async", "ASYNC_TEST"))
adopt_fixture = runpy.run_path(os.path.join(os.path.dirname(__file__), "slot_fixture.py"))["adopt_fixture"]  # noqa: PTH118, PTH120
Timed = Callable[[int], tuple[int, int]]
"""Function from a number of calls to (wall_ns, cpu_ns) of all of them."""
WARM_RUN_NS = 2_000_000
MOST_WARM_NS = 150_000_000
STEADY = 0.99
SENTINEL_LOOPS = 20_000
TAIL_EVERY = 50


class Channel:
    """Lines of JSON to and from the session."""

    def __init__(self, in_fd: int, out_fd: int) -> None:
        for descriptor in (in_fd, out_fd):
            os.set_inheritable(descriptor, False)
        self._lines = os.fdopen(in_fd, "r", encoding="utf-8")
        self._out_fd = out_fd

    def send(self, kind: str, **fields: Any) -> None:
        """Write one message."""
        # Answers are many and hold our own numbers; names and reasons may hold any text.
        line = json.dumps({"kind": kind, **(fields if kind == "ran" else plain(fields))}).encode() + b"\n"
        while line:
            line = line[os.write(self._out_fd, line) :]

    def receive(self) -> Any:
        """Return the next line; exit at once when the session has ended."""
        line = self._lines.readline()
        if not line:
            os._exit(0)
        return json.loads(line)


def spin(loops: int) -> None:
    """Count to `loops`: the injected work of calibration."""
    for _ in itertools.repeat(None, loops):
        pass


def slowed(run: Timed, loops: int, tail_loops: int, done: int = 0) -> Timed:
    """Return `run` with a spin for each call, and another for each fiftieth: an injected regression.

    The spins of a slice run in one piece, so that a short call gets no other overhead. `done` calls were made before: from
    block to block another one, or the few calls of a long benchmark would never hold a slow one.
    """

    def run_slowed(calls: int) -> tuple[int, int]:
        nonlocal done
        tails = (done + calls) // TAIL_EVERY - done // TAIL_EVERY
        done += calls
        wall_ns, cpu_ns = run(calls)
        cpu_start_ns, start_ns = time.thread_time_ns(), time.perf_counter_ns()
        spin(loops * calls + tail_loops * tails)
        spun_ns = time.perf_counter_ns() - start_ns
        return wall_ns + spun_ns, cpu_ns + time.thread_time_ns() - cpu_start_ns

    return run_slowed


def warm_up(run: Timed) -> tuple[float, float, int]:
    """Call until runs of 2 ms stop getting faster; return (ns per call, ns with setup, number of calls made)."""
    started_ns, calls = time.perf_counter_ns(), 1
    while (first := whole(run, calls))[1] < WARM_RUN_NS // 2:
        calls *= 2
    runs = [first]
    while time.perf_counter_ns() - started_ns < MOST_WARM_NS:
        runs.append(whole(run, calls))
        # The second fastest of four excludes a lucky run and a disturbed one.
        if len(runs) >= 8 and sorted(runs[-4:])[1][0] >= sorted(runs[-8:-4])[1][0] * STEADY:
            break
    wall_ns, whole_ns = zip(*runs[-4:], strict=True)
    made = 2 * calls - 1 + calls * (len(runs) - 1)
    return statistics.median(wall_ns) / calls, statistics.median(whole_ns) / calls, made


def whole(run: Timed, calls: int) -> tuple[int, int]:
    """Return the wall time that a run reports, and the elapsed time including untimed parts, in ns."""
    start_ns = time.perf_counter_ns()
    wall_ns = run(calls)[0]
    return wall_ns, time.perf_counter_ns() - start_ns


def sentinel_ns(times: int) -> int:
    """Return the mean time of a fixed loop, in ns: about a millisecond, and the same in every slot."""
    start_ns = time.perf_counter_ns()
    for _ in range(times):
        total = 0
        for number in range(SENTINEL_LOOPS):
            total += number * 7 % 13
    return (time.perf_counter_ns() - start_ns) // times


class Calls:
    """The timed calls of a benchmark, which it counts: `run` makes them."""

    def __init__(self, benchmark: Any, run: Timed) -> None:
        self._benchmark, self.run = benchmark, run
        self.wall_ns = 0
        self.beside: Any = Beside()

    def __call__(self, calls: int) -> tuple[int, int]:
        """Return (wall_ns, cpu_ns) of so many calls."""
        wall_ns, cpu_ns = self.run(calls)
        self.wall_ns += wall_ns
        self._benchmark.call_s.append(wall_ns / calls * 1e-9)
        self._benchmark.calls += calls
        return wall_ns, cpu_ns

    def of_all(self, calls: int) -> tuple[int, int, int]:
        """Return (wall_ns, cpu_ns, CPU time of other threads and of children in ns) of so many calls."""
        beside = Beside()
        return *self(calls), beside.cpu_ns()


class Nothing:
    """The import watch for sides without a tree; it finds nothing."""

    def imported(self) -> list[str]:
        """Return no modules."""
        return []

    def strays(self) -> list[tuple[str, str]]:
        """Return no stray modules."""
        return []


class Plugin:
    """Supply the fixture, keep the requested order, and report events to the session."""

    def __init__(self, job: Mapping[str, Any], channel: Channel, watch: Any, collection: Any = None) -> None:
        self._job = job
        if collection is not None:
            self._name, self._relative = collection.name, collection.relative
        self._channel = channel
        self._watch = watch
        self._began_ns = self._began_cpu_ns = 0
        self._served: dict[str, Any] = {}
        self._names: dict[str, str] = {}
        self.outcomes: Any = Outcomes()

    def pytest_load_initial_conftests(self) -> None:
        """Note the time: imports begin here, with the folder's conftest."""
        self._began_ns, self._began_cpu_ns = time.perf_counter_ns(), cpu_of_all_ns()

    def keep(self, items: list[Any]) -> None:
        """Keep the benchmarks of the job, in its order."""
        by_name = {self._name(item): item for item in items}
        order = self._job["order"]
        items[:] = [by_name[name] for name in (by_name if order is None else order) if name in by_name]

    def pytest_collection_finish(self, session: Any) -> None:
        """Send the list of benchmarks, and the time to import them."""
        # Before any test is set up: a mark that skips it acts before every plugin.
        self._names = {item.nodeid: self._name(item) for item in session.items}
        files = {name: self._relative(nodeid).partition("::")[0] for nodeid, name in self._names.items()}
        self._channel.send(
            "collected",
            files=files,
            errors=self._by_file(self.outcomes.errors),
            skipped=self._by_file(self.outcomes.skipped),
            import_ns=time.perf_counter_ns() - self._began_ns,
            import_cpu_ns=cpu_of_all_ns() - self._began_cpu_ns,
            present=busy(),
            **self._loaded(),
        )
        # Until the session's answer the other slots of the block have the CPU to themselves.
        self._channel.receive()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Send the result of the test."""
        outcome, error = self.outcomes.ended
        name = self._names.get(nodeid, nodeid)
        served, self._served = self._served, {}
        self._channel.send("done", name=name, outcome=outcome, error=error, **served, **self._loaded())

    def pytest_pyfunc_call(self, pyfuncitem: Any) -> None:
        """Refuse an async test that no plugin of the suite runs."""
        if is_async(pyfuncitem.obj):
            raise TypeError(ASYNC_TEST)

    def benchmark_of(self, node: Any) -> Any:
        """Return what serves the calls of one test."""
        marker = node.get_closest_marker("benchmark")
        group = marker.kwargs.get("group") if marker else None
        return Benchmark(self._name(node), group, self._serve, self._job["seed"])

    def make_fixture(self, request: Any) -> Any:
        """Return the fixture of one test, where pytest-benchmark has no part in it."""
        return self.benchmark_of(request.node)

    def _serve(self, benchmark: Any, run: Timed) -> None:
        # A fixed number of calls, where the job has one: a benchmark that changes with its calls is then equal on all sides.
        told = self._job["warm"].get(benchmark.name, 0)
        calls = Calls(benchmark, run)
        ns, whole_ns, warm_calls = (
            (0.0, 0.0, 0)
            if benchmark.most_calls
            else ((*(total / told for total in whole(calls, told)), told) if told else warm_up(calls))
        )
        if (loops := self._job["spin"].get(benchmark.name)) is not None:
            each, tail = loops
            calls.run = run = slowed(run, each, tail, done=self._job["seed"] % TAIL_EVERY)
        gc.collect()
        gc.freeze()
        warm = {"ns": ns, "whole_ns": whole_ns, "warm_calls": warm_calls, "first": benchmark.first_call}
        warm["most_calls"] = benchmark.most_calls
        self._channel.send("ready", name=benchmark.name, **self._loaded(), **warm)
        serves: dict[str, Any] = {
            "begin": benchmark.rewind,
            "sentinel": sentinel_ns,
            "slice": calls,
            "slice_of_all": calls.of_all,
            "idle": idle_share,
            "tool": lambda path, name, *words: runpy.run_path(path, {"rewind": benchmark.rewind})[name](
                run, *words
            ),
        }
        try:
            while (command := self._channel.receive())[0] != "next":
                self._channel.send("ran", value=serves[command[0]](*command[1:]))
        finally:
            gc.unfreeze()
        beside = calls.beside.kind(calls.wall_ns)
        # One more call follows, for its result.
        self._served = {"beside": beside, "calls": benchmark.calls + (not benchmark.most_calls)}

    def _loaded(self) -> dict[str, Any]:
        return {"imported": self._watch.imported(), "strays": self._watch.strays()}

    def _by_file(self, reasons: Mapping[str, str]) -> dict[str, str]:
        return {self._relative(nodeid): why for nodeid, why in reasons.items()}


def run_pytest(job: Mapping[str, Any], channel: Channel, watch: Any) -> None:
    """Collect and run the benchmarks of the job in this process."""
    if job["is_alone"]:
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    # pytest is imported only after the overlay is in place.
    import pytest

    parts = runpy.run_path(os.path.join(_ENGINE, "micro", "collection.py"))  # noqa: PTH118
    collection = parts["Collection"](job, job["files"], readable)
    own: dict[str, Any] = {
        "pytest_collection_modifyitems": pytest.hookimpl(trylast=True, hookwrapper=True)(_modify_items)
    }
    adopted = not job["is_alone"] and adopt_fixture(parts["tell_what_aspects_need"])
    if not adopted:
        own["benchmark"] = pytest.fixture(Plugin.make_fixture)
    plugin = type("SlotPlugin", (Plugin,), own)(job, channel, watch, collection)
    if adopted:
        adopted(plugin)
    pytest.main([*job["options"], *job["files"]], plugins=[collection, plugin, plugin.outcomes])
    channel.send("ended", present=busy())


def _modify_items(self: Plugin, items: list[Any]) -> Iterator[None]:
    """Choose after all others have."""
    yield
    self.keep(items)


def prepare_imports(job: Mapping[str, Any]) -> Any:
    """Put the side's overlay first on the import path, then the suite's folders; return the import watch."""
    sys.path[:0] = [place for place in job["path"] if place not in sys.path]
    parts = runpy.run_path(os.path.join(_ENGINE, "processes", "side_imports.py"))  # noqa: PTH118 - a script of few imports
    side = parts["read_side"](job["overlay"])
    if side is None:
        sys.path[:0] = job["folders"]
        return Nothing()
    parts["take_over"](side, job["folders"])
    return parts["Watch"](side)


def main() -> None:
    """Carry out one job."""
    channel = Channel(int(sys.argv[1]), int(sys.argv[2]))
    job = channel.receive()
    # The ballast shifts later heap objects, on all sides alike. It is held until the process ends.
    _ballast = [bytes(16 * size) for size, count in enumerate(job["ballast"]) for _ in range(count)]
    run_pytest(job, channel, prepare_imports(job))


if __name__ == "__main__":
    main()
