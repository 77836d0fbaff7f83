"""Write a judgement as the JSON document of `harness compare`, `gate` and `judge` (schema 1)."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from harness.judge.verdict import Comparison, Judgement
from harness.session.receipt import MeasuredRoot

SCHEMA = 1


def as_json(
    judgement: Judgement,
    report: str | None,
    receipt_path: str | None,
    measured: Sequence[MeasuredRoot] = (),
    others: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the document; keys may be added, never renamed. The paths are those printed; `others` are
    further receipts, where several were judged together: the document then has no single `receipt`.
    """
    controls = judgement.controls
    return {
        "schema": SCHEMA,
        "report": report,
        "receipt": None if others else receipt_path,
        "receipts": [*filter(None, [receipt_path]), *others],
        "verdict": str(judgement.verdict),
        "exit_code": int(judgement.exit_code),
        "reasons": list(judgement.reasons),
        "measured": [msgspec.to_builtins(root) for root in measured],
        "controls": {
            "null": {
                "clean": controls.null_clean,
                "change": _number(controls.null_change),
                "p": _number(controls.null_p),
            },
            "bad_blocks": _number(controls.bad_blocks),
            "reasons": list(controls.reasons),
        },
        "comparisons": [_comparison(comparison) for comparison in judgement.comparisons],
        "suspects": [
            {
                "benchmark": suspects.benchmark,
                "metric": suspects.metric,
                "functions": [
                    {
                        "function": change.function,
                        "base": _number(change.base),
                        "candidate": _number(change.candidate),
                        "unit": change.unit,
                    }
                    for change in suspects.functions
                ],
                "note": suspects.note,
            }
            for suspects in judgement.suspects
        ],
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "benchmark": comparison.benchmark,
        "metric": comparison.metric,
        "kind": str(comparison.kind),
        "unit": comparison.unit,
        "base": _number(comparison.base),
        "candidate": _number(comparison.candidate),
        "change": _number(comparison.change),
        "low": _number(comparison.low),
        "high": _number(comparison.high),
        "blocks": comparison.blocks,
        "p": _number(comparison.p),
        "margin": _number(comparison.margin),
        "detectable": _number(comparison.detectable),
        "blocks_needed": comparison.blocks_needed,
        "allowed": _number(comparison.allowed),
        "verdict": str(comparison.verdict),
        "counts": comparison.counts,
        "watched": comparison.watched,
        "accepted": comparison.accepted,
        "note": comparison.note,
        "sites": [
            {"function": site.function, "base": _number(site.base), "candidate": _number(site.candidate)}
            for site in comparison.sites
        ],
    }


def _number(value: float | None) -> float | None:
    """Return `value`, or None where JSON has no such number."""
    return value if value is not None and math.isfinite(value) else None
