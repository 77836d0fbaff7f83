"""Measure the overhead of the harness, and the core's hottest path: ratios, side by side in one run.

Every round measures both sides in separate processes, one after the other; the figures are medians of rounds.
"""

import dataclasses
import statistics
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np

from harness.model import Outcome, Scenario
from harness.processes.loadrun import LoadPlan, run_load
from harness.processes.subject import Subject
from harness.run.directory import RunDirectory
from harness.run.facts import LoadFacts
from harness.supervise import Supervisor, private_folder
from harness.table import calls
from harness.units import format_ns, format_percent, format_rate, significant
from scenarios.catalogue import SCENARIOS
from scenarios.micro.bench_adapters import adapter_rows
from scenarios.micro.bench_flame import flame_rows
from scenarios.micro.bench_journeys import journey_rows

ROUNDS = 3
MEASURED_S = 2.0
OPEN_RATES_PER_S = (1_000.0, 20_000.0)
LATE_NS = 2_000_000
NOOPS = {"gevent": "targets.known:noop", "asyncio": "targets.known_asyncio:noop"}
"""No-op target by engine."""
PLAIN_LOCUST = Path(__file__).with_name("plain_locust.py")


def plain_locust_ns(*words: str) -> list[float]:
    """Return the cost of a no-op for a plain Locust user, and the part on the processor, in ns.

    If `recorded`, it is recorded as of a locustfile, and the cost of recording a request comes third.
    """
    done = subprocess.run(
        [sys.executable, str(PLAIN_LOCUST), str(MEASURED_S), *words],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return [float(word) for word in done.stdout.split()]


def run(
    scenario: Scenario, rate_per_s: float, factory: str, parameters: dict[str, str]
) -> tuple[calls.Table, LoadFacts, float]:
    """Run one scenario with one user or at one rate; return (its measured rows, its facts, the descheduled share)."""
    # With the wait profile, like `harness run`.
    plan = LoadPlan(scenario, rate_per_s, users=1, duration_s=MEASURED_S, warmup_s=1.0, seed=1, waits=True)
    with private_folder() as folder, Supervisor() as supervisor:
        result = run_load(
            supervisor, Subject(factory, parameters), plan, folder,
            on_mix=lambda _mix: None, tick=lambda _elapsed_s: None,
        )  # fmt: skip
        if result.ending.trouble:
            raise SystemExit(result.ending.trouble)
        table = calls.load(folder / RunDirectory.CALLS)
        facts = msgspec.json.decode((folder / RunDirectory.FACTS).read_bytes(), type=LoadFacts)
        return np.array(table[table["intended_ns"] >= 0]), facts, result.host.descheduled_share or 0.0


def closed_model(
    factory: str, parameters: dict[str, str], operations: dict[str, float]
) -> tuple[float, LoadFacts]:
    """Return the time per call of one user in the closed model, and the facts of its run."""
    scenario = SCENARIOS["closed"]
    if operations:
        scenario = dataclasses.replace(scenario, operations=operations)
    rows, facts, _ = run(scenario, 1.0, factory, parameters)
    return MEASURED_S * 1e9 / int((rows["outcome"] == Outcome.COMPLETED).sum()), facts


def open_model(rate_per_s: float, engine: str) -> tuple[str, str, str]:
    """Return the line on the accuracy and completeness of the open model's rate with a no-op target."""
    rows, _, descheduled = run(SCENARIOS["steady"], rate_per_s, NOOPS[engine], {})
    let_go = rows[rows["outcome"] != Outcome.NEVER_STARTED]
    lag_ns = let_go["dispatched_ns"] - let_go["intended_ns"]
    p99_ns = float(np.quantile(lag_ns, 0.99))
    late = float((lag_ns > LATE_NS).mean())
    own_ns = lag_ns - let_go["lag_target_ns"] - let_go["lag_host_ns"]
    ours = float((own_ns > LATE_NS).mean())
    done = int((rows["outcome"] == Outcome.COMPLETED).sum()) / len(rows)
    said = (
        f"{format_ns(float(np.quantile(own_ns, 0.99)))} of it ours; {format_percent(done)} done, {format_percent(late)} over {format_ns(LATE_NS)} late "
        f"({format_percent(ours)} by our doing, {format_percent(descheduled)} of the time descheduled)"
    )
    return (
        f"open model, {engine}, {format_rate(rate_per_s)}: pacing error, p99",
        format_ns(p99_ns),
        said,
    )


def report_rows() -> tuple[tuple[str, str, str], ...]:
    """Return the lines on the time to render large profiles as a page."""
    with private_folder() as folder:
        return flame_rows(folder)


@dataclasses.dataclass(slots=True)
class Engine:
    """Costs of one engine by round, in ns: a call of one user in the closed model, recording, hook, and wait profile."""

    per_call: list[float] = dataclasses.field(default_factory=list)
    recorder: list[float] = dataclasses.field(default_factory=list)
    hook: list[float] = dataclasses.field(default_factory=list)
    waits: list[float] = dataclasses.field(default_factory=list)

    def measure(self, noop: str) -> None:
        """Measure one round."""
        per_call_ns, facts = closed_model(noop, {}, {})
        self.per_call.append(per_call_ns)
        self.recorder.append(facts.recorder_ns_per_call)
        self.hook.append(facts.split_ns_per_switch)
        self.waits.append(facts.waits_ns_per_switch)

    def rows(self, name: str, plain: list[float]) -> tuple[tuple[str, str, str], ...]:
        """Return the lines on the engine, beside the costs of a plain Locust user by round."""
        # A cost hidden by a busy machine counts as 1 ns here.
        hook_ns, waits_ns = max(statistics.median(self.hook), 1.0), statistics.median(self.waits)
        # Medians of the rounds' ratios, not ratios of medians: both sides of a round met the same machine.
        cheaper = statistics.median(theirs / mine for theirs, mine in zip(plain, self.per_call, strict=True))
        return (
            (f"{name}: closed model, no-op, all stamps and the split", format_ns(statistics.median(self.per_call)),
             f"{significant(cheaper)} × cheaper"),
            (f"{name}: of which recording", format_ns(statistics.median(self.recorder)), ""),
            (f"{name}: hook of the split, a yield and back", format_ns(hook_ns), ""),
            (f"{name}: wait profile, the same yield, beyond that", format_ns(waits_ns),
             f"{significant(1 + waits_ns / hook_ns)} × the hook's cost with it"),
        )  # fmt: skip


def _of_locustfiles(
    plain: list[list[float]], recorded: list[list[float]]
) -> tuple[tuple[str, str, str], ...]:
    """Return the lines on recording a locustfile, beyond Locust's own work on the processor; each round measured both sides."""
    event_ns = statistics.median(ours[1] - theirs[1] for theirs, ours in zip(plain, recorded, strict=True))
    request_ns = statistics.median(ours[2] for ours in recorded)
    return (
        ("locustfile: a task with one event, its wait and its end", format_ns(max(event_ns, 0.0)), "beyond Locust's own"),
        ("locustfile: of which an event, begun and ended", format_ns(request_ns), "its row, beyond Locust's own"),
    )  # fmt: skip


def main() -> None:
    """Measure and print."""
    locust, recorded, hits = [], [], []
    engines = {name: Engine() for name in NOOPS}
    for _ in range(ROUNDS):
        locust.append(plain_locust_ns())
        recorded.append(plain_locust_ns("recorded"))
        for name, engine in engines.items():
            engine.measure(NOOPS[name])
        core = {"variant": "optimised", "backends": "memory", "latency_ms": "0"}
        hits.append(closed_model("targets.core_target:create", core, {"GET /assets/{id}": 1.0})[0])
    plain = [elapsed_ns for elapsed_ns, _ in locust]
    rows = (
        ("plain Locust user, no-op with a request event", format_ns(statistics.median(plain)), "1"),
        *_of_locustfiles(locust, recorded),
        *(row for name, engine in engines.items() for row in engine.rows(name, plain)),
        ("asset core, GET /assets/{id}, nearly all from L1", format_ns(statistics.median(hits)),
         f"{format_rate(1e9 / statistics.median(hits))} on one core"),
        *(open_model(rate_per_s, name) for rate_per_s in OPEN_RATES_PER_S for name in engines),
        *adapter_rows(),
        *journey_rows(),
        *report_rows(),
    )  # fmt: skip
    for row in rows:
        print("{:<58}{:>10}   {}".format(*row))  # noqa: T201 - this is its answer


if __name__ == "__main__":
    main()
