"""Convert a run to the JSON of `harness run --json`."""

from collections.abc import Mapping
from typing import Any

import msgspec

from harness.plans.span import Span
from harness.reading.children import children_json
from harness.reading.engines import engine_of
from harness.reading.growing import as_json as growth_json
from harness.reading.judging import JudgedRun, JudgedStage
from harness.reading.limits import as_json as limit_json
from harness.reading.locustfile import beside, client_of, every_request
from harness.reading.parts import slowest_calls
from harness.reading.server_use import server_json
from harness.reading.summary import OperationSummary, RunSummary
from harness.run.client_facts import as_json as client_json
from harness.table import heldby
from harness.table.latency import METRICS


def as_json(judged: JudgedRun, directory_text: str | None = None) -> dict[str, Any]:
    """Return the object of one run in the JSON of `harness run --json` (schema 1)."""
    run = judged.run
    document = run.document
    return {
        "dir": directory_text or str(run.directory.path),
        "scenario": document.scenario,
        "target": document.target,
        "variant": document.variant,
        "engine": engine_of(run),
        "seed": document.seed,
        "validity": judged.validity.level,
        "reasons": [*judged.validity.reasons],
        "remarks": [*document.remarks],
        "interrupted": document.interrupted,
        "planned": run.planned,
        "outcomes": dict(run.total.outcomes),
        "locust": msgspec.to_builtins(document.locust),
        "client": client_json(client_of(run)),
        "throughput_per_s": run.throughput_per_s,
        "recorder_ns_per_call": run.facts.recorder_ns_per_call if run.facts else None,
        "split_ns_per_switch": run.facts.split_ns_per_switch if run.facts and run.facts.split else None,
        "stated": _stated(run),
        "backends": msgspec.to_builtins(document.backends),
        "children": children_json(run),
        "served": server_json(run),
        "operations": _operations(run),
        "slowest": _slowest(run),
        "blocked": msgspec.to_builtins(run.facts.blocked) if run.facts else None,
        "failures": [msgspec.to_builtins(one) for one in run.facts.failures] if run.facts else None,
        "journeys": msgspec.to_builtins(run.facts.journeys) if run.facts else None,
        "judged_by": (run.facts.judged_by or None) if run.facts else None,
        "events_changed": run.facts.events_changed if run.facts else None,
        "in_threads": msgspec.to_builtins(run.facts.in_threads) if run.facts else None,
        "left_tasks": run.facts.left_tasks if run.facts else None,
        "left_running": run.facts.left_running if run.facts else None,
        "thread_cpu": msgspec.to_builtins(run.facts.thread_cpu) if run.facts else None,
        "held_by": None if run.held_by is None else heldby.named(run.held_by, list(run.operations)),
        "warmup": judged.warmup.as_json(),
        "stages": _stages(judged),
        "slo": [limit_json(finding) for finding in judged.slo],
        "growth": growth_json(judged.growth),
        "profiles": {
            name: {**msgspec.to_builtins(facts.facts), "file": facts.file, "reason": facts.reason}
            for name, facts in document.profiles.by_kind().items()
        },
    }


def _stated(run: RunSummary) -> dict[str, Any]:
    """Return the facts of a run that are shown but not judged; None where unknown."""
    host, facts = run.document.host, run.facts
    own = (
        "replaced_time_s",
        "halted_ns",
        "in_flight_peak",
        "garbage_collections",
        "garbage_ns",
        "peak_rss_bytes",
    )
    return {
        "cpu_share": host.cpu_share,
        "descheduled_share": host.descheduled_share,
        "steal_share": host.steal_share,
        "load_average": host.load_average,
        "in_flight_limit": run.document.plan.in_flight_limit,
        **{name: getattr(facts, name, None) for name in own},
    }


def _operations(run: RunSummary) -> dict[str, dict[str, Any]]:
    requests = every_request(run)
    return {name: _operation_json(operation, requests[name]) for name, operation in run.operations.items()}


def _slowest(run: RunSummary) -> list[dict[str, Any]]:
    """Return the slowest calls; each has the trace that the target was told, else None."""
    told = run.document.traceparent
    return [
        {
            "operation": call.operation,
            "outcome": call.outcome,
            "intended_ns": call.intended_ns,
            "response_ns": call.response_ns,
            **call.parts_ns,
            "trace_id": (call.trace_id or None) if told else None,
        }
        for call in slowest_calls(run)
    ]


def _operation_json(operation: OperationSummary, requests: int) -> dict[str, Any]:
    counts = {"requests": requests, "count": operation.count, "failed": operation.outcomes["failed"]}
    intervals = {metric: operation.intervals(metric) for metric in METRICS}
    return counts | {metric: operation.percentiles(metric) for metric in METRICS} | {"intervals": intervals}


def _stages(judged: JudgedRun) -> list[dict[str, Any]]:
    """Return the stages of warm-up, without results, and the measured stages."""
    warmup = [
        {"label": span.label, "warmup": True, **_placed(span)}
        for span in judged.run.document.plan.spans
        if span.warmup
    ]
    # Starting and ending users are no spans of time: their calls stand among those of others.
    of_users = [
        {
            "label": label,
            "warmup": True,
            "planned": sum(part.outcomes.values()),
            "outcomes": dict(part.outcomes),
        }
        for label, part in beside(judged.run).items()
        if label not in {span["label"] for span in warmup}
    ]
    return [*warmup, *of_users, *({"warmup": False, **_stage_json(judged, stage)} for stage in judged.stages)]


def _placed(span: Span) -> Mapping[str, float]:
    return {
        "start_s": span.start_s,
        "end_s": span.end_s,
        "start_rate_per_s": span.start_rate_per_s,
        "end_rate_per_s": span.end_rate_per_s,
    }


def _stage_json(judged: JudgedRun, stage: JudgedStage) -> dict[str, Any]:
    outcomes = dict(stage.summary.outcomes)
    return {
        "label": stage.span.label,
        **_placed(stage.span),
        "validity": stage.validity.level,
        "reasons": [*stage.validity.reasons],
        "planned": sum(outcomes.values()),
        "outcomes": outcomes,
        "throughput_per_s": stage.throughput_per_s,
        **{metric: stage.summary.percentiles(metric) for metric in METRICS},
        "intervals": {metric: stage.summary.intervals(metric) for metric in METRICS},
        "slo": [limit_json(finding) for finding in judged.slo if finding.stage == stage.span.label],
    }
