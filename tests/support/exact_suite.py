"""Two sides of a toy package, and benchmarks of it, ready to be served by slots."""

from pathlib import Path

from harness.session.receipt import Benchmark
from harness.session.sides.overlay import build_overlay
from harness.session.slots.block import Stage
from harness.session.slots.launch import INI, Bench, Home, Limits
from harness.supervise import Supervisor

LIMITS = Limits(start_s=60, ready_s=30, slice_s=60, end_s=10)


def a_stage(supervisor: Supervisor, folder: Path, suite: str, base: str, candidate: str) -> Stage:
    """Return a stage for the benchmark file `suite` of the package `toy`, whose one module differs by side."""
    bench = folder / "bench"
    bench.mkdir()
    (bench / INI).write_text("[pytest]\n")
    (bench / "test_toy.py").write_text(suite)
    homes = {
        name: a_home(folder / name, name, source)
        for name, source in (("base", base), ("candidate", candidate))
    }
    made = Bench(bench, bench / "test_toy.py", import_folders=(bench,))
    files = {
        f"test_toy.py::{line[4:].partition('(')[0]}": "test_toy.py"
        for line in suite.splitlines()
        if line.startswith("def test")
    }
    return Stage(supervisor, made, homes, files, folder / "slots.log", LIMITS)


def a_home(folder: Path, name: str, source: str) -> Home:
    """Return one side with its own tree."""
    package = folder / "tree" / "toy"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(source)
    build_overlay(folder / "tree", {"toy": "toy"}, folder / "overlay")
    return Home(name, folder / "overlay", ("toy",), (folder / "tree").resolve())


def a_benchmark(name: str, ns: float = 100_000.0) -> Benchmark:
    """Return a benchmark of the toy suite as discovery found it."""
    return Benchmark(name=f"test_toy.py::{name}", base_ns=ns, candidate_ns=ns)
