"""Say which engine ran the calls of a run, where it is not the usual one, and what that means for its numbers."""

from harness.model import Engine
from harness.reading.engines import words_of
from harness.reading.generator import is_remote
from harness.run.facts import LoadFacts
from harness.units import format_count, format_ns
from reports.run.sides import Side

NOT_SPLIT = "service time is not split, because nothing in a process sees how long a thread waits for the GIL or for I/O"

_SERVER = "the target is another process: executing and event loop blocked are the load generator's, and what the server does is I/O wait"


def is_of_threads(side: Side) -> bool:
    """Return True if real threads made the calls of a run."""
    return side.run.facts is not None and side.run.facts.engine is Engine.THREADS


def engine_facts(side: Side) -> tuple[tuple[str, str], ...]:
    """Return the facts on the engine, and on a server that it asks; none for a run that is driven by the usual one."""
    return (*_client_facts(side), *_engine_facts(side))


def _client_facts(side: Side) -> tuple[tuple[str, str], ...]:
    if not is_remote(side.run):
        return ()
    redirects = {name: counts.get("redirects", 0) for name, counts in side.run.counters.items()}
    told = ", ".join(f"{format_count(count)} to {name}" for name, count in redirects.items() if count)
    said = (("server", _SERVER), ("redirects", f"redirects that were not followed: {told}" if told else ""))
    return tuple((name, words) for name, words in said if words)


def _engine_facts(side: Side) -> tuple[tuple[str, str], ...]:
    facts = side.run.facts
    if facts is not None and facts.engine is Engine.ASYNCIO:
        said = (
            ("engine", f"driven by the asyncio engine: {words_of(side.run).told}"),
            ("work in threads", _in_threads(side, facts)),
            ("left behind", _left_tasks(facts)),
        )
        return tuple((name, words) for name, words in said if words)
    if facts is None or facts.engine is not Engine.THREADS:
        return ()
    said = (
        ("engine", f"driven by the threads engine{_pool(facts)}: {NOT_SPLIT}"),
        ("CPU of calls", _cpu(facts)),
        ("left running", _left(facts)),
    )
    return tuple((name, words) for name, words in said if words)


def _in_threads(side: Side, facts: LoadFacts) -> str:
    """Return the mean work that a call of each operation handed to threads."""
    counts = {name: operation.count for name, operation in side.run.operations.items()}
    means = [
        f"{name} {format_ns(one.length_ns / counts[name])}, {format_ns(one.cpu_ns / counts[name])} of it on a CPU"
        for name, one in facts.in_threads.items()
        if counts.get(name)
    ]
    if not means:
        return ""
    return f"on average, work that a call handed to threads and waited for: {'; '.join(means)}"


def _left_tasks(facts: LoadFacts) -> str:
    if not facts.left_tasks:
        return ""
    of = ", ".join(f"{count:,} of {operation}" for operation, count in facts.left_tasks.items())
    return f"tasks that ran on after their call had returned: {of}; their work is in no response time"


def _cpu(facts: LoadFacts) -> str:
    """Return the mean CPU time of the calls, by operation."""
    means = [
        f"{name} {format_ns(one.cpu_ns / one.calls)}" for name, one in facts.thread_cpu.items() if one.calls
    ]
    if not means:
        return ""
    return (
        f"on average, CPU time of the thread of a call: {', '.join(means)} (without other threads and processes; with the "
        f"{format_ns(facts.thread_cpu_read_ns)} that reading it takes)"
    )


def _left(facts: LoadFacts) -> str:
    if not facts.left_running:
        return ""
    return (
        f"{_number(facts.left_running, 'call')} still ran when the run ended: a thread cannot be ended from outside, so they ran on "
        "while the target was closed, until the end of the process"
    )


def _pool(facts: LoadFacts) -> str:
    """Return the number of threads; empty if the measured process did not live to say it."""
    return f" ({_number(facts.threads, 'thread')})" if facts.threads else ""


def _number(count: int, noun: str) -> str:
    return f"{format_count(count)} {noun}{'' if count == 1 else 's'}"
