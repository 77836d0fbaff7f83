"""Describe the child processes of a run's calls: CPU times leave them out, profiles include them only on request."""

from typing import Any

from harness.reading.summary import RunSummary
from harness.units import format_bytes, format_count, format_percent


def children_json(run: RunSummary) -> dict[str, Any] | None:
    """Return the facts as JSON data, with the sentence; None where calls had no children."""
    children = run.facts.children if run.facts else None
    if children is None:
        return None
    return {
        "cpu_s": children.cpu_s,
        "most_rss_bytes": children.most_rss_bytes,
        "running": children.running,
        "waited_share": waited_share(run),
        "sentence": children_sentence(run),
    }


def waited_share(run: RunSummary) -> float:
    """Return the share of all service time spent waiting for children; waits of one call may overlap."""
    service = run.total.histograms["service_ns"]
    total_ns = (service.mean or 0.0) * service.count
    children = run.facts.children if run.facts else None
    return min(children.waited_ns / total_ns, 1.0) if children and total_ns else 0.0


def children_sentence(run: RunSummary) -> str | None:
    """Return the sentence needed to read service times and profiles; None where calls had no children."""
    children = run.facts.children if run.facts else None
    if children is None:
        return None
    used = (
        f"they used {children.cpu_s:.3g} s of CPU, none held more than {format_bytes(children.most_rss_bytes)} of memory,"
        " and none of it is in the numbers of the measured process"
    )
    if share := waited_share(run):
        profiled = _profiled(run)
        which = f", of which the profiles have {profiled}" if profiled else " that were not profiled"
        return f"{format_percent(share)} of service was waiting for child processes{which}; {used}"
    if profiled := _profiled(run):
        return f"Of child processes the profiles have {profiled}; {used}"
    return f"Child processes were not profiled; {used}"


def _profiled(run: RunSummary) -> str:
    """Return what profiles contain of child processes; empty where no profiler covered them."""
    cpu, memory = run.document.profiles.cpu, run.document.profiles.memory
    samples = cpu.facts.child_samples if cpu else None
    forks = memory.facts.child_processes if memory else None
    if samples is None and forks is None:
        return ""
    found = []
    if samples:
        found.append(f"{format_count(samples)} CPU samples")
    if forks:
        found.append(f"the allocations of {format_count(forks)} forks")
    return " and ".join(found) or "nothing"
