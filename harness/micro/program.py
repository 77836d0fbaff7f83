"""The program of the measuring child: pytest with pytest-benchmark over one suite.

Run as a script by its path, `python -P program.py`, with a job as JSON on stdin. It imports nothing of the harness:
the suite may measure a tree of the same name. Messages go to stdout as lines of JSON, output of pytest and the
benchmarks goes to stderr. pytest-benchmark's own file is written again after each benchmark, so that
measurements survive any end of the process.
"""

import gc
import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from pytest_benchmark import utils
from pytest_benchmark.fixture import BenchmarkFixture

_HERE = os.path.dirname(__file__)  # noqa: PTH120 - a script of few imports
_PLAIN = runpy.run_path(os.path.join(_HERE, "plain.py"))  # noqa: PTH118
Outcomes = runpy.run_path(os.path.join(_HERE, "outcomes.py"))["Outcomes"]  # noqa: PTH118
plain, readable = _PLAIN["plain"], _PLAIN["readable"]
_COLLECTION = runpy.run_path(os.path.join(_HERE, "collection.py"))  # noqa: PTH118
Collection, takes_fixture, tell_what_aspects_need = (
    _COLLECTION[name] for name in ("Collection", "takes_fixture", "tell_what_aspects_need")
)
Send = Callable[..., None]
_TARGET = os.path.join(_HERE, os.pardir, "target")  # noqa: PTH118
_UNFINISHED = runpy.run_path(os.path.join(_TARGET, "unfinished.py"))  # noqa: PTH118
check, finished, is_async = (_UNFINISHED[name] for name in ("check_benchmarked", "finished", "is_async"))
EventLoop = runpy.run_path(os.path.join(_TARGET, "eventloop.py"))["EventLoop"]  # noqa: PTH118


class Plugin:
    """Select the benchmarks of the job, and report events to the supervisor."""

    def __init__(self, job: Mapping[str, Any], send: Send, collection: Any) -> None:
        self._job = job
        self._send = send
        self._name, self._relative = collection.name, collection.relative
        self._names: dict[str, str] = {}
        self._machine: dict[str, Any] | None = None
        self.outcomes: Any = Outcomes()

    @pytest.hookimpl(trylast=True, hookwrapper=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> Generator[None]:
        """Keep of the benchmarks those that the job names, if any."""
        yield
        names = self._job["names"]
        items[:] = [item for item in items if names is None or self._name(item) in names]
        self._names = {item.nodeid: self._name(item) for item in items}

    def pytest_collection_finish(self, session: Any) -> None:
        """Send the list of benchmarks, and the files without any."""
        for name, error in self.outcomes.errors.items():
            self._send("broken", name=self._relative(name), error=error)
        for name, reason in self.outcomes.skipped.items():
            self._send("skipped", name=self._relative(name), reason=reason)
        self._send("collected", names=[self._names[item.nodeid] for item in session.items])

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: Any) -> None:
        """Refuse an async test that no plugin of the suite runs."""
        if is_async(pyfuncitem.obj) and takes_fixture(pyfuncitem):
            raise TypeError(_UNFINISHED["ASYNC_TEST"])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Send the name of the benchmark that starts."""
        self._send("began", name=self._names.get(nodeid, nodeid))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: Any) -> None:
        """Write pytest-benchmark's file with all measurements so far."""
        self._write(item.config)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Report the outcome of the benchmark."""
        outcome, error = self.outcomes.ended
        self._send("ended", name=self._names.get(nodeid, nodeid), outcome=outcome, error=error)

    def _write(self, config: Any) -> None:
        session = config._benchmarksession  # noqa: SLF001 - its plugin offers no public access
        if self._machine is None:
            self._machine = session.get_machine_info()
        document = config.hook.pytest_benchmark_generate_json(
            config=config,
            benchmarks=session.benchmarks,
            include_data=False,
            machine_info=self._machine,
            commit_info=config.hook.pytest_benchmark_generate_commit_info(config=config),
        )
        config.hook.pytest_benchmark_update_json(
            config=config, benchmarks=session.benchmarks, output_json=document
        )
        for benchmark in document["benchmarks"]:
            # By the names of the harness, which begin at the suite's own folder.
            benchmark["fullname"] = self._names.get(benchmark["fullname"], benchmark["fullname"])
        write(self._job["json"], json.dumps(plain(document), indent=1, allow_nan=False).encode())


@contextmanager
def copied_index() -> Generator[None]:
    """Let git work on a copy of the index: pytest-benchmark runs `git describe --dirty`, which writes the index."""
    asked = subprocess.run(
        ["git", "rev-parse", "--git-path", "index"], capture_output=True, text=True, check=False
    )
    index = asked.stdout.rstrip("\n")
    if asked.returncode or not os.path.isfile(index):  # noqa: PTH113
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        before, os.environ["GIT_INDEX_FILE"] = os.environ.get("GIT_INDEX_FILE"), shutil.copy2(index, folder)
        try:
            yield
        finally:
            del os.environ["GIT_INDEX_FILE"]
            if before is not None:
                os.environ["GIT_INDEX_FILE"] = before


def leave_index_alone() -> None:
    """Redirect pytest-benchmark's git queries, at its start and at each end, to a copy of the index."""
    ask: Callable[[str], str] = utils.subprocess_output

    def asked(command: str) -> str:
        if "--dirty" not in command:
            return ask(command)
        with copied_index():
            return ask(command)

    utils.subprocess_output = asked


class InLoop:
    """An async function, called in an event loop; `timed` times a number of calls inside of it."""

    def __init__(self, function: Callable[..., Any], loop: Any) -> None:
        self.function = function
        self._loop = loop

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the result of one call."""
        return self._loop.run(self.function(*args, **kwargs))

    def timed(self, calls: Iterable[int], timer: Callable[[], float], args: Any, kwargs: Any) -> Any:
        """Return (seconds for all calls, result of the last), without the loop's start and stop."""

        async def each() -> tuple[float, Any]:
            function, result = self.function, None
            start = timer()
            for _ in calls:
                result = await function(*args, **kwargs)
            return timer() - start, result

        return self._loop.run(each())


def adapt_fixture() -> None:
    """Make pytest-benchmark await async functions, and refuse other functions that return unfinished work: generators.

    `benchmark(f)` calls `f` once before anything is timed. For `benchmark.pedantic`, which decides itself what it calls, the
    result is checked at the end, and its times are dropped with the failure.
    """
    fixture: Any = BenchmarkFixture
    tell_what_aspects_need(fixture)
    raw, pedantic, make_runner = fixture._raw, fixture._raw_pedantic, fixture._make_runner  # noqa: SLF001 - where nothing has been called yet

    def checked_raw(self: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
        check(function)
        with awaiting(function) as (called,):
            if self.enabled:
                finished(called(*args, **kwargs))
            return finished(raw(self, called, *args, **kwargs))

    def checked_pedantic(
        self: Any, target: Any, *args: Any, setup: Any = None, teardown: Any = None, **kwargs: Any
    ) -> Any:
        check(target)
        if not is_async(target):
            check(setup, may_be_async=False)
            check(teardown, may_be_async=False)
        with awaiting(target, setup, teardown) as (called, *hooks):
            return finished(pedantic(self, called, *args, setup=hooks[0], teardown=hooks[1], **kwargs))

    def runner_of(self: Any, function: Any, args: Any, kwargs: Any) -> Any:
        if not isinstance(function, InLoop):
            return make_runner(self, function, args, kwargs)

        def runner(calls: Any, timer: Any = self._timer) -> Any:
            with without_garbage_collection(active=self._disable_gc):
                seconds, result = function.timed(calls or range(1), timer, args, kwargs)
            return seconds if calls else (seconds, result)

        return runner

    fixture._raw, fixture._raw_pedantic, fixture._make_runner = checked_raw, checked_pedantic, runner_of  # noqa: SLF001 - as above


@contextmanager
def awaiting(function: Any, *hooks: Any) -> Generator[list[Any]]:
    """Yield the function and its hooks, the async ones to be called in one event loop, which is closed at the end."""
    if not is_async(function):
        yield [function, *hooks]
        return
    loop = EventLoop()
    if loop.is_inside():
        raise RuntimeError(_UNFINISHED["IN_A_LOOP"])
    try:
        yield [InLoop(one, loop) if is_async(one) else one for one in (function, *hooks)]
    finally:
        loop.close()


@contextmanager
def without_garbage_collection(*, active: bool) -> Generator[None]:
    """Switch the garbage collector off meanwhile, if `active`."""
    was_enabled = gc.isenabled()
    if active:
        gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def write(path: str, content: bytes) -> None:
    """Replace a file atomically: a reader sees the old or the new one."""
    scratch = f"{path}.partial"
    with open(scratch, "wb") as file:  # noqa: PTH123 - a script of few imports
        file.write(content)
    os.replace(scratch, path)  # noqa: PTH105


def open_channel() -> Send:
    """Keep the real stdout for messages, and point file descriptor 1 at stderr, the log."""
    descriptor = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr

    def send(kind: str, **fields: Any) -> None:
        line = json.dumps({"type": kind, **plain(fields)}).encode() + b"\n"
        while line:
            line = line[os.write(descriptor, line) :]

    return send


def main() -> int:
    """Execute one job and return pytest's exit code."""
    job = json.load(sys.stdin)
    send = open_channel()
    sys.path[:0] = [place for place in job["path"] if place not in sys.path]
    if job["overlay"] is not None:
        parts = runpy.run_path(os.path.join(_HERE, os.pardir, "processes", "side_imports.py"))  # noqa: PTH118
        parts["take_over"](parts["read_side"](job["overlay"]))
    adapt_fixture()
    leave_index_alone()
    collection = Collection(job, job["places"], readable)
    plugin = Plugin(job, send, collection)
    words = [*job["options"], *job["places"]]
    return int(pytest.main(words, plugins=[collection, plugin, plugin.outcomes]))


if __name__ == "__main__":
    sys.exit(main())
