"""Runs made by hand whose validity is known."""

from pathlib import Path

import numpy as np

from harness.model import Outcome
from harness.plans.span import Span
from harness.reading import judging
from harness.reading.summary import RunSummary
from harness.run.directory import RunDirectory
from harness.run.documents import PlanFacts, RunDocument
from harness.run.facts import LoadFacts
from harness.table import calls

MS = 1_000_000
CALLS = 2000
EVERY = CALLS + 400
"""Calls of the measured time and of the warm-up."""
SERVICE_NS = 5 * MS


def rows(count=CALLS, start_ns=0, service_ns=SERVICE_NS):
    """Calls at 200 a second that each start at once and take 5 ms."""
    table = np.zeros(count, calls.DTYPE)
    table["intended_ns"] = start_ns + np.arange(count) * 5 * MS
    table["dispatched_ns"] = table["entered_ns"] = table["intended_ns"]
    table["completed_ns"] = table["entered_ns"] + service_ns
    table["run_ns"] = service_ns
    table["outcome"] = Outcome.COMPLETED
    return table


def a_run(table=None, warmup=None, *, facts=None, trouble=(), executor="open", warmup_s=2.0, **document):
    """Return a run without fault, but for what is given."""
    document = {"environment": {}, **document}
    table = rows() if table is None else table
    duration_s = CALLS / 200
    plan = PlanFacts(
        executor=executor,
        arrivals="uniform",
        rate_per_s=200.0,
        users=1,
        think_time_s=0.0,
        duration_s=duration_s,
        warmup_s=warmup_s,
        in_flight_limit=1000,
        drain_s=5.0,
        spans=(
            Span("warm-up", -2.0, 0.0, 200.0, 200.0, warmup=True),
            Span("steady", 0.0, duration_s, 200.0, 200.0),
        ),
        operations={"read": 1.0},
    )
    return RunSummary(
        directory=RunDirectory(Path("nowhere")),
        document=RunDocument(
            status="finished", scenario="s", target="t", variant="", seed=1, started_at="", command="",
            plan=plan, **document,
        ),
        facts=facts or LoadFacts(origin_ns=0, origin_unix_s=0.0, split=True, ended_ns=round(duration_s * 1e9)),
        table=table,
        warmup=rows(400, -2000 * MS) if warmup is None else warmup,
        trouble=trouble,
    )  # fmt: skip


def late(milliseconds, share=1.0, response_ms=5.0, column=None):
    """A run in which a share of the calls starts late; `column` names who held them up."""
    table = rows(service_ns=round(response_ms * MS))
    held = np.arange(CALLS) < share * CALLS
    lag_ns = round(milliseconds * MS)
    for name in ("dispatched_ns", "entered_ns"):
        table[name][held] += lag_ns
    # The response stays what it was: the service is shorter by what the lag is longer.
    table["run_ns"][held] = np.maximum(table["completed_ns"] - table["entered_ns"], 0)[held]
    table["completed_ns"] = np.maximum(table["completed_ns"], table["entered_ns"])
    if column:
        table[column][held] = lag_ns
    return table


def validity_of(run, thresholds=None):
    """Return the validity of a run."""
    return judging.judge(run, thresholds).validity
