"""Builds run directories of micro-benchmarks from known times."""

import msgspec

from harness.micro.document import End, MicroDocument
from harness.run.directory import RunDirectory
from harness.run.documents import HostFacts

ENVIRONMENT = {"cpu": "one", "cores": 2, "kernel": "k", "python": "p", "packages": {}}


def entry(name, median_s=0.001, *, spread=0.01, rounds=100, iterations=1, **extra_info):
    """Return what pytest-benchmark writes of one benchmark."""
    stats = {
        "min": median_s * 0.9, "q1": median_s * (1 - spread / 2), "median": median_s,
        "q3": median_s * (1 + spread / 2), "max": median_s * 3, "mean": median_s * 1.1, "stddev": median_s * 0.1,
        "rounds": rounds, "iterations": iterations, "iqr": median_s * spread, "ops": 1 / (median_s * 1.1),
        "outliers": "1;2",
    }  # fmt: skip
    return {"name": name.partition("::")[2], "fullname": name, "extra_info": extra_info, "stats": stats}


def make_micro_run(parent, *entries, ends=None, planned=None, times=True, host=None, **document):
    """Make a run directory and return its path; `ends` are those that differ from `passed`."""
    names = [one["fullname"] for one in entries]
    planned = names if planned is None else planned
    directory = RunDirectory.create(parent, "bench", document.get("variant", "optimised"))
    if times:
        content = {"version": "5", "machine_info": {}, "benchmarks": list(entries)}
        directory.benchmarks_path.write_bytes(msgspec.json.encode(content))
    fields = {
        "status": "finished", "suite": "bench", "variant": "optimised", "started_at": "2026-01-02T03:04:05+00:00",
        "command": "harness bench", "environment": ENVIRONMENT, "seconds": 3.0,
    }  # fmt: skip
    made = MicroDocument(
        **{**fields, **document},
        planned=planned,
        ends={**{name: End("passed") for name in names}, **(ends or {})},
        host=HostFacts(descheduled_share=0.001, cpu_share=0.99) if host is None else host,
    )
    directory.write(made)
    return directory.path
